// Shared by the kernel sources; not visible to Swift.
#pragma once
#include "ckernels.h"

// Attention on tiles: widest head it takes, shortest sequence it is worth for, and the tiled matrices it holds at once.
#define KL_TILED_HEAD 256
#define KL_TILED_SEQUENCE 48
#define KL_HEAD_BUFFERS 5

// Scratch of one bfloat16 stream: tiles of a product's inputs, and those of one attention head.
typedef struct {
  kl_limits limits;
  uint16_t *left, *right;
  uint16_t *head;      // KL_HEAD_BUFFERS matrices
  size_t head_values;  // of one of them
} kl_products;

// Queries of one block of the long-sequence attention path.
#define KL_QUERY_BLOCK 64
// Longest sequence of the short-sequence attention path, widest head it takes, and its transposed scratch:
// one block of 16 rows.
#define KL_SHORT_SEQUENCE 512
#define KL_SHORT_HEAD 256
#define KL_TRANSPOSED_FLOATS (16 * KL_SHORT_HEAD)

struct kl_stream {
  kl_precision precision;
  kl_limits limits;
  float *scores;          // attention scratch: weights of one block of queries
  float *score_gradients; // the same size, for the backward pass
  double *row;            // one row of scores, for the reference
  float *transposed;      // transposed heads of the short-sequence attention path
  kl_products *products;  // NULL in single precision, and where the CPU has no bfloat16 products
};

// stream.c
void *kl_allocate(size_t bytes);
// As kl_allocate, but not zeroed.
void *kl_scratch(size_t count, size_t size);
void kl_release(void *memory);
void kl_copy(void *destination, const void *source, size_t bytes);
kl_stream *kl_stream_create(kl_precision precision, kl_limits limits);
void kl_stream_destroy(kl_stream *stream);

// products_bf16.c
kl_products *kl_products_create(kl_limits limits);
void kl_products_destroy(kl_products *products);
int kl_supports_bf16(void);
size_t kl_packed_bytes(kl_precision precision, size_t K, size_t N);
void kl_pack_weight(kl_stream *, void *packed, const float *weight, size_t K, size_t N);
// These return 0, having done nothing, when the stream is single precision or the product cannot be done so.
int kl_bf16_forward(kl_stream *, float *out, const float *inp, const float *weight, const void *packed, size_t T,
                    size_t K, size_t N, int accumulate);
int kl_bf16_backward_input(kl_stream *, float *dinp, const float *dout, const float *weight, const void *packed,
                           size_t T, size_t K, size_t N, int accumulate);
int kl_bf16_backward_weight(kl_stream *, float *dweight, const float *dout, const float *inp, size_t T, size_t K,
                            size_t N);

// products.c: matrix products by oneDNN, one thread per calling thread.
void kl_single_thread(void);
// out (M,N) = alpha * op(a) . op(b) + beta * out, row-major; trans_* of 1 reads that matrix transposed.
void kl_sgemm(int trans_a, int trans_b, size_t M, size_t N, size_t K, float alpha, const float *a, size_t lda,
              const float *b, size_t ldb, float beta, float *out, size_t ldo);
void kl_linear_forward(kl_stream *, float *out, const float *inp, const float *weight, const void *packed, size_t T,
                       size_t K, size_t N, int accumulate);
void kl_linear_backward_input(kl_stream *, float *dinp, const float *dout, const float *weight, const void *packed,
                              size_t T, size_t K, size_t N, int accumulate);
void kl_linear_backward_weight(kl_stream *, float *dweight, const float *dout, const float *inp, size_t T, size_t K,
                               size_t N);

// Fill functions of the reference, one for each file.
void kl_reference_products(kl_table *table);
void kl_reference_norms(kl_table *table);
void kl_reference_attention(kl_table *table);
void kl_reference_losses(kl_table *table);
// The reference's attention_tree, for heads too wide for the vector kernels.
void kl_reference_attention_tree(kl_stream *, float *out, float *lse, const float *qk, const float *qkv,
                                 const int32_t *offsets, const int32_t *ends, size_t S, size_t T, size_t NH,
                                 size_t HS);
void kl_reference_pointwise(kl_table *table);

void kl_reference_fill(kl_table *table);

// Replaces the ops this instruction set does better; returns 0, having done nothing, when the CPU lacks it.
int kl_avx512_fill(kl_table *table);
int kl_avx2_fill(kl_table *table);
