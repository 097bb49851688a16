// The kernel table: every numeric operation of the lab behind one struct of function pointers.
//
// A table belongs to one device. Pointers given to an op are addresses in that device's memory; only the
// table's own copy functions move data to and from the host. Ops on one stream run in order; a stream is
// used by one thread at a time. No op does I/O or starts a thread, and none allocates, but for what oneDNN
// does inside a product. Sums run in a fixed order
// that depends on the shapes alone, so the same call gives the same bits, whichever thread makes it.
//
// Capitals: T tokens (rows) in a micro-batch, C model dimension, NH heads, HS head size (C = NH*HS),
// FF feed-forward dimension, V vocabulary, S sequences, K inputs and N outputs of a linear map.
// All arrays are dense and row-major unless a stride is given. `d` + name is a gradient.
// "adds into" means out += result; otherwise the output is overwritten.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "dense.h"

#define KL_TABLE_VERSION 3u

typedef struct kl_stream kl_stream;

typedef enum __attribute__((enum_extensibility(closed))) kl_precision {
  KL_PRECISION_FP32 = 0,  // everything in single precision
  KL_PRECISION_BF16 = 1,  // matrix products on bfloat16 inputs, single-precision sums; all else single
} kl_precision;

// What a stream must be able to hold without allocating later.
typedef struct kl_limits {
  size_t max_tokens;           // largest T of any call
  size_t max_sequence_length;  // longest sequence of any attention call
  size_t max_width;            // largest of N and K of any linear call
} kl_limits;

// Scalars of one AdamW step (Loshchilov & Hutter 2019, decoupled decay).
typedef struct kl_adamw {
  float learning_rate;
  float beta1, beta2, epsilon;
  float weight_decay;                  // param -= learning_rate * weight_decay * param
  float correction1, correction2;      // 1 - beta1^t, 1 - beta2^t
  float gradient_scale;                // multiplies the gradient first: clipping
} kl_adamw;

// Scalars of one Adam-atan2 step (Everett et al. 2024, arXiv 2407.05872): no epsilon, so scaling all gradients
// changes nothing.
typedef struct kl_adam_atan2 {
  float learning_rate;
  float beta1, beta2;
  float scale, ratio;                  // a and b of a * atan2(m, b * sqrt(v))
  float weight_decay;                  // param -= learning_rate * weight_decay * param
  float correction1, correction2;      // 1 - beta1^t, 1 - beta2^t
  float gradient_scale;                // multiplies the gradient first: clipping
} kl_adam_atan2;

typedef struct kl_table {
  uint32_t version;  // KL_TABLE_VERSION of the library that filled the table
  const char *name;  // "reference", "cpu" (it with oneDNN's products), "cpu-avx2", "cpu-avx512"

  // Memory. `allocate` returns 64-byte aligned zeroed memory or NULL.
  void *(*allocate)(size_t bytes);
  void (*release)(void *memory);
  void (*copy_in)(void *device, const void *host, size_t bytes);
  void (*copy_out)(void *host, const void *device, size_t bytes);

  // A stream holds the scratch memory for calls within `limits`; NULL when memory is short.
  kl_stream *(*stream_create)(kl_precision precision, kl_limits limits);
  void (*stream_destroy)(kl_stream *stream);

  // 1 when bfloat16 products run faster than single precision on this machine.
  int (*supports_bf16)(void);

  // out (T,C) = table[ids[t]]; table (V,C), 0 <= ids < V.
  void (*embedding_forward)(kl_stream *, float *out, const int32_t *ids, const float *table, size_t T, size_t C);
  // dtable (V,C) adds dout rows in order of t.
  void (*embedding_backward)(kl_stream *, float *dtable, const int32_t *ids, const float *dout, size_t T, size_t C);

  // A weight (N,K) as the products of a precision read it fastest, in packed_bytes bytes (0: they read it as it is).
  // Linear maps take it as `packed` beside the weight it was made of, or NULL and then pack for themselves.
  size_t (*packed_bytes)(kl_precision precision, size_t K, size_t N);
  void (*pack_weight)(kl_stream *, void *packed, const float *weight, size_t K, size_t N);

  // out (T,N) = inp (T,K) . weight (N,K)^T; adds into out when accumulate is not 0.
  void (*linear_forward)(kl_stream *, float *out, const float *inp, const float *weight, const void *packed, size_t T, size_t K, size_t N, int accumulate);
  // dinp (T,K) = dout (T,N) . weight (N,K); adds into dinp when accumulate is not 0.
  void (*linear_backward_input)(kl_stream *, float *dinp, const float *dout, const float *weight, const void *packed, size_t T, size_t K, size_t N, int accumulate);
  // dweight (N,K) adds dout (T,N)^T . inp (T,K).
  void (*linear_backward_weight)(kl_stream *, float *dweight, const float *dout, const float *inp, size_t T, size_t K, size_t N);

  // sum = inp + delta (sum = inp and `sum` may be NULL or inp itself when delta is NULL);
  // rstd (T) = 1 / sqrt(mean(sum^2) + epsilon); out = sum * rstd * weight. Shapes (T,C), weight (C).
  // Zhang & Sennrich 2019.
  void (*rms_norm_forward)(kl_stream *, float *out, float *sum, float *rstd, const float *inp, const float *delta, const float *weight, float epsilon, size_t T, size_t C);
  // dsum (T,C) adds the gradient with respect to the normalised sum; dweight (C) adds its own.
  void (*rms_norm_backward)(kl_stream *, float *dsum, float *dweight, const float *dout, const float *sum, const float *rstd, const float *weight, size_t T, size_t C);

  // Per-head RMS norm of q and k (skipped where q_weight is NULL), then rotary positions in the half-split
  // layout (Su et al. 2021; pairs are i and i + HS/2). qkv (T, 3*C): q, then k, then v, each NH heads of HS.
  // out_qk (T, 2*C): rotated q, then k. rstd (T, 2*NH) is written only when normalising.
  // cosines, sines (positions, HS/2) are indexed by position[t]. HS is even.
  void (*qk_rope_forward)(kl_stream *, float *out_qk, float *rstd, const float *qkv, const float *q_weight, const float *k_weight, const float *cosines, const float *sines, const int32_t *position, float epsilon, size_t T, size_t NH, size_t HS);
  // dqkv (T, 3*C): its q and k parts are overwritten, its v part is left alone. dq_weight, dk_weight (HS) add.
  void (*qk_rope_backward)(kl_stream *, float *dqkv, float *dq_weight, float *dk_weight, const float *dout_qk, const float *qkv, const float *rstd, const float *q_weight, const float *k_weight, const float *cosines, const float *sines, const int32_t *position, size_t T, size_t NH, size_t HS);

  // Causal attention inside each of S sequences; sequence s owns rows offsets[s] ..< offsets[s+1], and
  // offsets[0] = 0, offsets[S] = T. Scores are scaled by 1/sqrt(HS). qk (T, 2*C) as above; v is read from
  // the last C columns of qkv (T, 3*C). out (T, C). lse (T, NH): log-sum-exp of each row's scaled scores.
  void (*attention_forward)(kl_stream *, float *out, float *lse, const float *qk, const float *qkv, const int32_t *offsets, size_t S, size_t T, size_t NH, size_t HS);
  // The same where the rows of a sequence are a tree, parents before children and each subtree in one stretch: row i
  // sees row j of its sequence when j <= i < ends[j]. ends (T) are rows of the batch; no sequence is longer than
  // the stream's longest.
  void (*attention_tree)(kl_stream *, float *out, float *lse, const float *qk, const float *qkv, const int32_t *offsets, const int32_t *ends, size_t S, size_t T, size_t NH, size_t HS);
  // dqk (T, 2*C) overwritten; the v part of dqkv (T, 3*C) overwritten, its q and k parts left alone.
  void (*attention_backward)(kl_stream *, float *dqk, float *dqkv, const float *dout, const float *qk, const float *qkv, const float *out, const float *lse, const int32_t *offsets, size_t S, size_t T, size_t NH, size_t HS);

  // gate_up (T, 2*FF): gate, then up. out (T, FF) = silu(gate) * up. Shazeer 2020.
  void (*swiglu_forward)(kl_stream *, float *out, const float *gate_up, size_t T, size_t FF);
  void (*swiglu_backward)(kl_stream *, float *dgate_up, const float *dout, const float *gate_up, size_t T, size_t FF);
  // GELU, tanh form (Hendrycks & Gimpel 2016), over n values.
  void (*gelu_forward)(kl_stream *, float *out, const float *inp, size_t n);
  void (*gelu_backward)(kl_stream *, float *dinp, const float *dout, const float *inp, size_t n);
  // max(0, x) over n values, for detector heads.
  void (*relu_forward)(kl_stream *, float *out, const float *inp, size_t n);
  void (*relu_backward)(kl_stream *, float *dinp, const float *dout, const float *inp, size_t n);
  // out (T,N) adds bias (N) to each row; dbias (N) adds the column sums of dout.
  void (*bias_forward)(kl_stream *, float *out, const float *bias, size_t T, size_t N);
  void (*bias_backward)(kl_stream *, float *dbias, const float *dout, size_t T, size_t N);

  // Sets n values to 0.
  void (*zero)(kl_stream *, float *out, size_t n);
  // out[i] = a[i] + b[i]; out may be a or b.
  void (*add)(kl_stream *, float *out, const float *a, const float *b, size_t n);

  // Next-token loss, forward and backward in one pass. logits (T,V) becomes its own gradient:
  // scale * (softmax - onehot(target)) + scale * z_loss * 2 * lse * softmax.
  // losses (T) = -log p(target) in nats, without the z term; 0, with a zero gradient row, where targets[t] < 0.
  // z_loss: PaLM, Chowdhery et al. 2022: z_loss * lse^2 is added to the objective.
  void (*cross_entropy)(kl_stream *, float *losses, float *logits, const int32_t *targets, float scale, float z_loss, size_t T, size_t V);
  // out (T) = log softmax(logits[rows[t]] * inverse_temperature)[targets[t]]; 0 where targets[t] < 0. logits are kept.
  // rows NULL: row t. What belongs to one row is computed once for neighbours that share it.
  void (*log_probability)(kl_stream *, float *out, const float *logits, const int32_t *rows, const int32_t *targets, float inverse_temperature, size_t T, size_t V);
  // Per row: entropy (T) in nats and largest probability (T) of softmax(logits). logits are kept.
  void (*softmax_summary)(kl_stream *, float *entropy, float *max_probability, const float *logits, size_t T, size_t V);
  // Draw t of T is from softmax(logits[rows[t]] * inverse_temperature) by inverse CDF at uniforms[t] in [0,1);
  // inverse_temperature = INFINITY takes the first largest logit. log_probability (T) is that of the token
  // drawn under temperature 1. logits are kept. rows as for log_probability.
  void (*sample)(kl_stream *, int32_t *tokens, float *log_probability, const float *logits, const int32_t *rows, const float *uniforms, float inverse_temperature, size_t T, size_t V);

  // Attention of B new tokens against the tokens before them. The caches (any rows, C) hold keys and values; token b
  // attends to their rows paths[i], offsets[b] <= i < offsets[b+1], of which the last is its own: its k and v, from
  // qk (B, 2*C) and qkv (B, 3*C), are written there first. out (B, C). A token with an empty path is skipped.
  void (*attention_decode)(kl_stream *, float *out, float *key_cache, float *value_cache, const float *qk, const float *qkv, const int32_t *paths, const int32_t *offsets, size_t B, size_t NH, size_t HS);

  // out[r] = inp[rows[r]], rows of `width` floats; out may be inp where rows ascend.
  void (*gather_rows)(kl_stream *, float *out, const float *inp, const int32_t *rows, size_t row_count, size_t width);

  // out[i] = sum over lanes l = 0, 1, ... (in that order) of lanes[l][i]; out may be lanes[0].
  void (*sum_lanes)(kl_stream *, float *out, const float *const *lanes, size_t lane_count, size_t n);
  // Sum of squares of n values, accumulated in double precision, in a fixed order.
  double (*sum_of_squares)(kl_stream *, const float *values, size_t n);
  // One AdamW step on n values; first (m) and second (v) moments are updated in place.
  void (*adamw)(kl_stream *, float *param, float *first, float *second, const float *gradient, kl_adamw scalars, size_t n);
  // One Adam-atan2 step on n values: the step is scale * atan2(m / correction1, ratio * sqrt(v / correction2)), and
  // 0 where v is 0. For finite values the angle's error is below 4e-7.
  void (*adam_atan2)(kl_stream *, float *param, float *first, float *second, const float *gradient, kl_adam_atan2 scalars, size_t n);
} kl_table;

// Plain C, one obvious loop per op: the oracle the other tables are checked against.
const kl_table *kl_table_reference(void);
// The fastest table this CPU can run, chosen once.
const kl_table *kl_table_cpu(void);
// All tables this CPU can run, best first; the reference is last. Returns the count; names are in the tables.
size_t kl_tables(const kl_table **tables, size_t capacity);

// A pool of long-lived threads that run numbered pieces of work. The calling thread takes part.
typedef struct kl_pool kl_pool;
kl_pool *kl_pool_create(size_t workers);  // NULL when threads cannot be started
void kl_pool_destroy(kl_pool *pool);
// Runs work(context, worker, piece) for every piece in 0 ..< pieces and returns when all are done.
// Pieces are taken in order by whichever worker is free; worker is in 0 ..< workers.
void kl_pool_run(kl_pool *pool, size_t pieces, void (*work)(void *context, size_t worker, size_t piece), void *context);
