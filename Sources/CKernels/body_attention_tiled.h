// Attention of one head in bfloat16: blocks of 32 queries, every product on tiles, softmax in single precision.
#include "bf16_tiles.h"

#define QUERIES 32

INLINE size_t across_inner(size_t n) { return kl_tiles_across(n, KL_TILE_INNER); }

// Tiles of one matrix of the head at hand.
INLINE kl_bf16 *head_tiles(kl_stream *stream, size_t index) {
  return stream->products->head + index * stream->products->head_values;
}

// In place: exp(scale * row - top) over the keys seen, 0 over the rest. Returns the sum; `top` receives the shift.
INLINE float exponentials(float *row, float scale, size_t seen, size_t width, float *top) {
  const vf factor = v_set(scale);
  vf largest = v_set(-INFINITY), sum = v_zero();
  EACH_VECTOR(j, seen, { largest = v_max(OR_ELSE(LOAD(row + j), v_set(-INFINITY)), largest); });
  *top = v_largest(largest) * scale;
  const vf shift = v_set(*top);
  EACH_VECTOR(j, seen, {
    vf e = OR_ELSE(v_exp(v_sub(v_mul(LOAD(row + j), factor), shift)), v_zero());
    STORE(row + j, e);
    sum = v_add(sum, e);
  });
  memset(row + seen, 0, (width - seen) * sizeof(float));
  return v_sum(sum);
}

static void tiled_head_forward(kl_stream *stream, float *out, float *lse, const float *q, const float *k,
                               const float *v, size_t length, size_t NH, size_t HS) {
  const size_t C = NH * HS, inner = across_inner(HS);
  const float scale = 1 / sqrtf((float)HS);
  kl_bf16 *keys_turned = head_tiles(stream, 0), *values = head_tiles(stream, 1);
  kl_bf16 *queries = head_tiles(stream, 2), *weights = head_tiles(stream, 3);
  float *scores = stream->scores;
  kl_right_tiles_transposed(keys_turned, (kl_matrix){k, length, HS, 2 * C});
  kl_right_tiles(values, (kl_matrix){v, length, HS, 3 * C});
  for (size_t start = 0; start < length; start += QUERIES) {
    size_t rows = length - start < QUERIES ? length - start : QUERIES, seen = start + rows;
    size_t width = (seen + 31) / 32 * 32;
    kl_left_tiles(queries, (kl_matrix){q + start * 2 * C, rows, HS, 2 * C});
    kl_tile_product(scores, width, (kl_panels){queries, inner}, (kl_panels){keys_turned, inner}, rows, seen, inner, 0);
    float shares[QUERIES];
    for (size_t r = 0; r < rows; r++) {
      float top, sum = exponentials(scores + r * width, scale, start + r + 1, seen, &top);
      lse[(start + r) * NH] = top + logf(sum);
      shares[r] = 1 / sum;
    }
    kl_left_tiles(weights, (kl_matrix){scores, rows, seen, width});
    kl_tile_product(out + start * C, C, (kl_panels){weights, across_inner(seen)},
                    (kl_panels){values, across_inner(length)}, rows, HS, across_inner(seen), 0);
    for (size_t r = 0; r < rows; r++) {
      float *row = out + (start + r) * C;
      const vf share = v_set(shares[r]);
      EACH_VECTOR(d, HS, { STORE(row + d, v_mul(LOAD(row + d), share)); });
    }
  }
}

// In place: weights from scores, and the gradients of the unscaled scores from those of the weights.
INLINE void row_gradients(float *weights, float *gradients, float scale, float lse, size_t seen, size_t width) {
  const vf factor = v_set(scale), shift = v_set(lse);
  vf sum = v_zero();
  EACH_VECTOR(j, seen, {
    vf p = OR_ELSE(v_exp(v_sub(v_mul(LOAD(weights + j), factor), shift)), v_zero());
    STORE(weights + j, p);
    sum = v_fma(p, LOAD(gradients + j), sum);
  });
  const vf projection = v_set(v_sum(sum));
  EACH_VECTOR(j, seen, {
    vf p = v_mul(LOAD(weights + j), factor);
    STORE(gradients + j, v_mul(p, v_sub(LOAD(gradients + j), projection)));
  });
  memset(weights + seen, 0, (width - seen) * sizeof(float));
  memset(gradients + seen, 0, (width - seen) * sizeof(float));
}

// out (keys, HS) = turned . right, where turned is the transpose of a block of 32 queries x `seen` keys. The keys of
// the block are met for the first time, those before it have sums already.
INLINE void add_to_keys(float *out, size_t stride, const kl_bf16 *turned, const kl_bf16 *right, size_t start,
                        size_t seen, size_t HS) {
  kl_tile_product(out, stride, (kl_panels){turned, 1}, (kl_panels){right, 1}, start, HS, 1, 1);
  kl_tile_product(out + start * stride, stride, (kl_panels){turned + start / 16 * KL_TILE_VALUES, 1},
                  (kl_panels){right, 1}, seen - start, HS, 1, 0);
}

static void tiled_head_backward(kl_stream *stream, float *dq, float *dk, float *dv, const float *dout, const float *q,
                                const float *k, const float *v, const float *lse, size_t length, size_t NH,
                                size_t HS) {
  const size_t C = NH * HS, inner = across_inner(HS);
  const float scale = 1 / sqrtf((float)HS);
  kl_bf16 *keys = head_tiles(stream, 0), *keys_turned = head_tiles(stream, 1), *values_turned = head_tiles(stream, 2);
  kl_bf16 *block = head_tiles(stream, 3), *turned = head_tiles(stream, 4), *right = head_tiles(stream, 5);
  float *weights = stream->scores, *gradients = stream->score_gradients;
  kl_right_tiles(keys, (kl_matrix){k, length, HS, 2 * C});
  kl_right_tiles_transposed(keys_turned, (kl_matrix){k, length, HS, 2 * C});
  kl_right_tiles_transposed(values_turned, (kl_matrix){v, length, HS, 3 * C});
  for (size_t start = 0; start < length; start += QUERIES) {
    size_t rows = length - start < QUERIES ? length - start : QUERIES, seen = start + rows;
    size_t width = (seen + 31) / 32 * 32;
    const kl_matrix block_q = {q + start * 2 * C, rows, HS, 2 * C}, block_dout = {dout + start * C, rows, HS, C};
    kl_left_tiles(block, block_q);
    kl_tile_product(weights, width, (kl_panels){block, inner}, (kl_panels){keys_turned, inner}, rows, seen, inner, 0);
    kl_left_tiles(block, block_dout);
    kl_tile_product(gradients, width, (kl_panels){block, inner}, (kl_panels){values_turned, inner}, rows, seen, inner,
                    0);
    for (size_t r = 0; r < rows; r++) {
      row_gradients(weights + r * width, gradients + r * width, scale, lse[(start + r) * NH], start + r + 1, seen);
    }
    kl_left_tiles(block, (kl_matrix){gradients, rows, seen, width});
    kl_tile_product(dq + start * 2 * C, 2 * C, (kl_panels){block, across_inner(seen)},
                    (kl_panels){keys, across_inner(length)}, rows, HS, across_inner(seen), 0);
    kl_left_tiles_transposed(turned, (kl_matrix){gradients, rows, seen, width});
    kl_right_tiles(right, block_q);
    add_to_keys(dk, 2 * C, turned, right, start, seen, HS);
    kl_left_tiles_transposed(turned, (kl_matrix){weights, rows, seen, width});
    kl_right_tiles(right, block_dout);
    add_to_keys(dv, 3 * C, turned, right, start, seen, HS);
  }
}
#undef QUERIES
