// Vector attention; the vectors are those of the including file.
//
// Short sequences: a block of W queries, one a lane. Scores of key j are a vector over the queries, so that the
// softmax needs no sums across lanes, and weights of a block are kept as weight[j * W + lane]. Measured faster than
// oneDNN's products of so narrow heads for as long as a block's weights stay in the first-level cache. Longer
// sequences: blocks of queries by oneDNN. With bfloat16 products, all but the shortest go by tiles.
#include "body_attention_long.h"
#include "body_attention_tiled.h"

// into[d * W + lane] = rows[lane * stride + d] for `count` lanes; other lanes 0.
INLINE void transpose_rows(float *into, const float *rows, size_t stride, size_t count, size_t HS) {
  for (size_t d = 0; d < HS; d += W) {
    size_t columns = HS - d < W ? HS - d : W;
    vf block[W];
    const vm lanes = v_first(columns);
    for (size_t r = 0; r < W; r++) block[r] = r < count ? v_load_lanes(lanes, rows + r * stride + d) : v_zero();
    v_transpose(block);
    for (size_t c = 0; c < columns; c++) v_store(into + (d + c) * W, block[c]);
  }
}

// dots[k] = over lanes, transposed[.., lane] . row k of `rows`; `count` is a constant in 1...4.
INLINE void dot_rows(vf *dots, const float *transposed, const float *rows, size_t stride, size_t HS, int count) {
  vf even[4], odd[4];
  for (int k = 0; k < count; k++) even[k] = odd[k] = v_zero();
  size_t d = 0;
  for (; d + 2 <= HS; d += 2) {
    vf first = v_load(transposed + d * W), second = v_load(transposed + (d + 1) * W);
    for (int k = 0; k < count; k++) {
      even[k] = v_fma(first, v_set(rows[(size_t)k * stride + d]), even[k]);
      odd[k] = v_fma(second, v_set(rows[(size_t)k * stride + d + 1]), odd[k]);
    }
  }
  if (d < HS) {
    for (int k = 0; k < count; k++) {
      even[k] = v_fma(v_load(transposed + d * W), v_set(rows[(size_t)k * stride + d]), even[k]);
    }
  }
  for (int k = 0; k < count; k++) dots[k] = v_add(even[k], odd[k]);
}

// scores[j * W + lane] for keys 0 ..< keys.
INLINE void score_rows(float *scores, const float *transposed, const float *rows, size_t stride, size_t keys,
                       size_t HS) {
  vf dots[4];
  size_t j = 0;
  for (; j + 4 <= keys; j += 4) {
    dot_rows(dots, transposed, rows + j * stride, stride, HS, 4);
    for (size_t k = 0; k < 4; k++) v_store(scores + (j + k) * W, dots[k]);
  }
  size_t left = keys - j;
  rows += j * stride;
  if (left == 1) dot_rows(dots, transposed, rows, stride, HS, 1);
  if (left == 2) dot_rows(dots, transposed, rows, stride, HS, 2);
  if (left == 3) dot_rows(dots, transposed, rows, stride, HS, 3);
  for (size_t k = 0; k < left; k++) v_store(scores + (j + k) * W, dots[k]);
}

// How one output row r weighs terms k: weights[r * row + k * term] times rows[k * stride ...].
typedef struct {
  const float *weights;
  size_t row, term;
  const float *rows;
  size_t stride;
} weighing;

// `count` (a constant in 1...4) rows of out = factor * sum over terms first ..< last; adds when accumulate.
INLINE void weigh_rows(float *out, size_t out_stride, weighing w, size_t first, size_t last, const float *factor,
                       int accumulate, size_t HS, int count) {
  EACH_VECTOR(d, HS, {
    vf sum[4];
    for (int r = 0; r < count; r++) sum[r] = v_zero();
    for (size_t k = first; k < last; k++) {
      vf value = LOAD(w.rows + k * w.stride + d);
      for (int r = 0; r < count; r++) sum[r] = v_fma(v_set(w.weights[(size_t)r * w.row + k * w.term]), value, sum[r]);
    }
    for (int r = 0; r < count; r++) {
      float *to = out + (size_t)r * out_stride + d;
      if (factor) sum[r] = v_mul(sum[r], v_set(factor[r]));
      STORE(to, accumulate ? v_add(sum[r], LOAD(to)) : sum[r]);
    }
  });
}

// Rows 0 ..< rows, four at a time. Row r takes terms up to `reach + r` (its last key) when from_row is 0, or
// from r - `reach` (its first query) when it is 1; the weights outside the triangle are 0.
INLINE void weigh_triangle(float *out, size_t out_stride, weighing w, size_t rows, size_t terms, int from_row,
                           size_t reach, const float *factor, int accumulate, size_t HS) {
  for (size_t r = 0; r < rows; r += 4) {
    size_t count = rows - r < 4 ? rows - r : 4, first = 0, last = terms;
    if (from_row) {
      first = r > reach ? r - reach : 0;
    } else {
      last = reach + r + count;
    }
    weighing some = w;
    some.weights += r * w.row;
    float *to = out + r * out_stride;
    const float *factors = factor ? factor + r : NULL;
    if (count == 4) weigh_rows(to, out_stride, some, first, last, factors, accumulate, HS, 4);
    if (count == 3) weigh_rows(to, out_stride, some, first, last, factors, accumulate, HS, 3);
    if (count == 2) weigh_rows(to, out_stride, some, first, last, factors, accumulate, HS, 2);
    if (count == 1) weigh_rows(to, out_stride, some, first, last, factors, accumulate, HS, 1);
  }
}

// One head of one short sequence; pointers are at its first row. Key j is seen by queries j ..< ends[j] - first, by all
// from j on where `ends` is NULL.
INLINE void lanes_head_forward(kl_stream *stream, float *out, float *lse, const float *q, const float *k,
                               const float *v, const int32_t *ends, size_t first, size_t length, size_t NH,
                               size_t HS) {
  size_t C = NH * HS;
  const vf scale = v_set(1 / sqrtf((float)HS));
  float *weights = stream->scores, sums[W];
  for (size_t start = 0; start < length; start += W) {
    size_t queries = length - start < W ? length - start : W, keys = start + queries;
    transpose_rows(stream->transposed, q + start * 2 * C, 2 * C, queries, HS);
    score_rows(weights, stream->transposed, k, 2 * C, keys, HS);
    vf top = v_set(-INFINITY), sum = v_zero();
    for (size_t j = 0; j < keys; j++) {
      vf s = v_mul(v_load(weights + j * W), scale);
      if (j > start) s = v_select(v_from(j - start), s, v_set(-INFINITY));
      if (ends) {
        size_t end = (size_t)ends[j] - first;
        if (end < start + queries) s = v_select(v_first(end > start ? end - start : 0), s, v_set(-INFINITY));
      }
      v_store(weights + j * W, s);
      top = v_max(s, top);
    }
    for (size_t j = 0; j < keys; j++) {
      vf e = v_exp(v_sub(v_load(weights + j * W), top));
      v_store(weights + j * W, e);
      sum = v_add(sum, e);
    }
    v_store(sums, v_add(top, v_log(sum)));
    for (size_t r = 0; r < queries; r++) lse[(start + r) * NH] = sums[r];
    v_store(sums, v_reciprocal(sum));
    weigh_triangle(out + start * C, C, (weighing){weights, 1, W, v, 3 * C}, queries, keys, 0, start, sums, 0, HS);
  }
}

static void short_head_forward(kl_stream *stream, float *out, float *lse, const float *q, const float *k,
                               const float *v, size_t length, size_t NH, size_t HS) {
  lanes_head_forward(stream, out, lse, q, k, v, NULL, 0, length, NH, HS);
}

// weights and gradients[j * W + lane] of one block: softmax weights, and the gradients of the unscaled scores.
INLINE void block_gradients(float *weights, float *gradients, vf lse, float scale, size_t start, size_t keys) {
  const vf factor = v_set(scale);
  vf projection = v_zero();
  for (size_t j = 0; j < keys; j++) {
    vf p = v_exp(v_sub(v_mul(v_load(weights + j * W), factor), lse));
    if (j > start) p = v_select(v_from(j - start), p, v_zero());
    v_store(weights + j * W, p);
    projection = v_fma(p, v_load(gradients + j * W), projection);
  }
  for (size_t j = 0; j < keys; j++) {
    vf p = v_mul(v_load(weights + j * W), factor);
    v_store(gradients + j * W, v_mul(p, v_sub(v_load(gradients + j * W), projection)));
  }
}

static void short_head_backward(kl_stream *stream, float *dq, float *dk, float *dv, const float *dout,
                                const float *q, const float *k, const float *v, const float *lse, size_t length,
                                size_t NH, size_t HS) {
  size_t C = NH * HS;
  float *weights = stream->scores, *gradients = stream->score_gradients, of_lanes[W];
  for (size_t start = 0; start < length; start += W) {
    size_t queries = length - start < W ? length - start : W, keys = start + queries;
    const float *block_q = q + start * 2 * C, *block_dout = dout + start * C;
    transpose_rows(stream->transposed, block_q, 2 * C, queries, HS);
    score_rows(weights, stream->transposed, k, 2 * C, keys, HS);
    transpose_rows(stream->transposed, block_dout, C, queries, HS);
    score_rows(gradients, stream->transposed, v, 3 * C, keys, HS);
    for (size_t r = 0; r < W; r++) of_lanes[r] = r < queries ? lse[(start + r) * NH] : 0;
    block_gradients(weights, gradients, v_load(of_lanes), 1 / sqrtf((float)HS), start, keys);
    weigh_triangle(dq + start * 2 * C, 2 * C, (weighing){gradients, 1, W, k, 2 * C}, queries, keys, 0, start, NULL, 0,
                   HS);
    // Keys before this block have sums already; those of the block are first met here.
    for (int own = 0; own < 2; own++) {
      size_t from = own ? start : 0, rows = own ? queries : start, reach = own ? 0 : start;
      weigh_triangle(dk + from * 2 * C, 2 * C, (weighing){gradients + from * W, W, 1, block_q, 2 * C}, rows, queries,
                     1, reach, NULL, !own, HS);
      weigh_triangle(dv + from * 3 * C, 3 * C, (weighing){weights + from * W, W, 1, block_dout, C}, rows, queries, 1,
                     reach, NULL, !own, HS);
    }
  }
}

typedef enum { BY_LANES, BY_PRODUCTS, BY_TILES } attention_path;

INLINE attention_path path_of(const kl_stream *stream, size_t length, size_t HS) {
  if (stream->products && length >= KL_TILED_SEQUENCE && HS <= KL_TILED_HEAD) return BY_TILES;
  return length <= KL_SHORT_SEQUENCE && HS <= KL_SHORT_HEAD ? BY_LANES : BY_PRODUCTS;
}

static void attention_forward(kl_stream *stream, float *out, float *lse, const float *qk, const float *qkv,
                              const int32_t *offsets, size_t S, size_t T, size_t NH, size_t HS) {
  (void)T;
  size_t C = NH * HS;
  if (stream->products) kl_tiles_begin();
  for (size_t s = 0; s < S; s++) {
    size_t start = (size_t)offsets[s], length = (size_t)offsets[s + 1] - start;
    attention_path path = path_of(stream, length, HS);
    for (size_t h = 0; h < NH; h++) {
      (path == BY_TILES ? tiled_head_forward : path == BY_LANES ? short_head_forward : long_head_forward)(
          stream, out + start * C + h * HS, lse + start * NH + h, qk + start * 2 * C + h * HS,
          qk + start * 2 * C + C + h * HS, qkv + start * 3 * C + 2 * C + h * HS, length, NH, HS);
    }
  }
  if (stream->products) kl_tiles_end();
}

static void attention_tree(kl_stream *stream, float *out, float *lse, const float *qk, const float *qkv,
                           const int32_t *offsets, const int32_t *ends, size_t S, size_t T, size_t NH, size_t HS) {
  if (HS > KL_SHORT_HEAD) {
    kl_reference_attention_tree(stream, out, lse, qk, qkv, offsets, ends, S, T, NH, HS);
    return;
  }
  size_t C = NH * HS;
  for (size_t s = 0; s < S; s++) {
    size_t start = (size_t)offsets[s], length = (size_t)offsets[s + 1] - start;
    for (size_t h = 0; h < NH; h++) {
      lanes_head_forward(stream, out + start * C + h * HS, lse + start * NH + h, qk + start * 2 * C + h * HS,
                         qk + start * 2 * C + C + h * HS, qkv + start * 3 * C + 2 * C + h * HS, ends + start, start,
                         length, NH, HS);
    }
  }
}

static void attention_backward(kl_stream *stream, float *dqk, float *dqkv, const float *dout, const float *qk,
                               const float *qkv, const float *out, const float *lse, const int32_t *offsets, size_t S,
                               size_t T, size_t NH, size_t HS) {
  (void)T;
  size_t C = NH * HS;
  if (stream->products) kl_tiles_begin();
  for (size_t s = 0; s < S; s++) {
    size_t start = (size_t)offsets[s], length = (size_t)offsets[s + 1] - start;
    attention_path path = path_of(stream, length, HS);
    for (size_t h = 0; h < NH; h++) {
      float *dq = dqk + start * 2 * C + h * HS, *dv = dqkv + start * 3 * C + 2 * C + h * HS;
      const float *q = qk + start * 2 * C + h * HS, *v = qkv + start * 3 * C + 2 * C + h * HS;
      const float *dhead = dout + start * C + h * HS, *head_lse = lse + start * NH + h;
      if (path == BY_TILES) {
        tiled_head_backward(stream, dq, dq + C, dv, dhead, q, q + C, v, head_lse, length, NH, HS);
      } else if (path == BY_LANES) {
        short_head_backward(stream, dq, dq + C, dv, dhead, q, q + C, v, head_lse, length, NH, HS);
      } else {
        long_head_backward(stream, dq, dq + C, dv, dhead, q, q + C, v, out + start * C + h * HS, head_lse, length,
                           NH, HS);
      }
    }
  }
  if (stream->products) kl_tiles_end();
}

#include "body_attention_decode.h"

static void fill_attention(kl_table *table) {
  table->attention_forward = attention_forward;
  table->attention_tree = attention_tree;
  table->attention_backward = attention_backward;
  table->attention_decode = attention_decode;
}
