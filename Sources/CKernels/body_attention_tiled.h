// Attention of one head in bfloat16: blocks of 32 queries, every product on tiles, softmax in single precision.
//
// Scores are kept turned, a row for each key and a lane for each query, so that the softmax needs no sums across lanes.
#include "bf16_tiles.h"

#define QUERIES 32  // of a block, and floats from one row of turned scores to the next

INLINE size_t across_inner(size_t n) { return kl_tiles_across(n, KL_TILE_INNER); }

// Tiles of one matrix of the head at hand.
INLINE kl_bf16 *head_tiles(kl_stream *stream, size_t index) {
  return stream->products->head + index * stream->products->head_values;
}

// x where the lane's query sees key j; `first` is the query of lane 0.
INLINE vf seen_or(vf x, size_t j, size_t first, vf otherwise) {
  return j <= first ? x : v_select(v_from(j - first), x, otherwise);
}

// In place, W queries from `first` on: exp(scale * score - top), 0 for keys not seen. Returns the sums.
INLINE vf lane_exponentials(float *scores, vf scale, size_t first, size_t keys, vf *top) {
  const vf none = v_set(-INFINITY);
  vf largest = none, sum = v_zero();
  for (size_t j = 0; j < keys; j++) {
    vf s = seen_or(v_mul(v_load(scores + j * QUERIES), scale), j, first, none);
    v_store(scores + j * QUERIES, s);
    largest = v_max(s, largest);
  }
  for (size_t j = 0; j < keys; j++) {
    vf e = v_exp(v_sub(v_load(scores + j * QUERIES), largest));
    v_store(scores + j * QUERIES, e);
    sum = v_add(sum, e);
  }
  *top = largest;
  return sum;
}

// Turned scores (keys, rows) of a block of queries: left . right^T of the block.
INLINE void turned_product(float *out, const kl_bf16 *left, kl_bf16 *scratch, kl_matrix block, size_t keys) {
  const size_t inner = across_inner(block.columns);
  kl_right_tiles_transposed(scratch, block);
  kl_tile_product(out, QUERIES, (kl_panels){left, inner}, (kl_panels){scratch, inner}, keys,
                  (block.rows + 15) / 16 * 16, inner, 0);
}

// out (rows, HS) = the transpose of a turned block (keys, rows) . right, where right has `panel` tiles a panel.
INLINE void product_of_turned(float *out, size_t stride, kl_bf16 *scratch, const float *turned, size_t keys,
                              size_t rows, const kl_bf16 *right, size_t panel, size_t HS) {
  const size_t inner = across_inner(keys);
  kl_left_tiles_transposed(scratch, (kl_matrix){turned, keys, rows, QUERIES});
  kl_tile_product(out, stride, (kl_panels){scratch, inner}, (kl_panels){right, panel}, rows, HS, inner, 0);
}

static void tiled_head_forward(kl_stream *stream, float *out, float *lse, const float *q, const float *k,
                               const float *v, size_t length, size_t NH, size_t HS) {
  const size_t C = NH * HS;
  const vf scale = v_set(1 / sqrtf((float)HS));
  kl_bf16 *keys = head_tiles(stream, 0), *values = head_tiles(stream, 1), *scratch = head_tiles(stream, 2);
  float *scores = stream->scores;
  kl_left_tiles(keys, (kl_matrix){k, length, HS, 2 * C});
  kl_right_tiles(values, (kl_matrix){v, length, HS, 3 * C});
  for (size_t start = 0; start < length; start += QUERIES) {
    size_t rows = length - start < QUERIES ? length - start : QUERIES, seen = start + rows;
    float shares[QUERIES], sums[QUERIES];
    turned_product(scores, keys, scratch, (kl_matrix){q + start * 2 * C, rows, HS, 2 * C}, seen);
    for (size_t lane = 0; lane < rows; lane += W) {
      vf top, sum = lane_exponentials(scores + lane, scale, start + lane, seen, &top);
      v_store(sums + lane, v_add(top, v_log(sum)));
      v_store(shares + lane, v_reciprocal(sum));
    }
    product_of_turned(out + start * C, C, scratch, scores, seen, rows, values, across_inner(length), HS);
    for (size_t r = 0; r < rows; r++) {
      float *row = out + (start + r) * C;
      const vf share = v_set(shares[r]);
      EACH_VECTOR(d, HS, { STORE(row + d, v_mul(LOAD(row + d), share)); });
      lse[(start + r) * NH] = sums[r];
    }
  }
}

// In place, W queries from `first` on: weights from scores, and the gradients of the unscaled scores from those of the
// weights.
INLINE void lane_gradients(float *weights, float *gradients, vf scale, vf lse, size_t first, size_t keys) {
  vf projection = v_zero();
  for (size_t j = 0; j < keys; j++) {
    vf p = v_exp(v_sub(v_mul(v_load(weights + j * QUERIES), scale), lse));
    p = seen_or(p, j, first, v_zero());
    v_store(weights + j * QUERIES, p);
    projection = v_fma(p, v_load(gradients + j * QUERIES), projection);
  }
  for (size_t j = 0; j < keys; j++) {
    vf p = v_mul(v_load(weights + j * QUERIES), scale);
    v_store(gradients + j * QUERIES, v_mul(p, v_sub(v_load(gradients + j * QUERIES), projection)));
  }
}

// out (seen, HS) = turned (seen, rows) . the block's rows. Keys of the block are met for the first time, those before
// it have sums already.
INLINE void add_to_keys(float *out, size_t stride, kl_bf16 *left, kl_bf16 *right, const float *turned,
                        kl_matrix block, size_t start) {
  const size_t seen = start + block.rows;
  kl_left_tiles(left, (kl_matrix){turned, seen, block.rows, QUERIES});
  kl_right_tiles(right, block);
  kl_tile_product(out, stride, (kl_panels){left, 1}, (kl_panels){right, 1}, start, block.columns, 1, 1);
  kl_tile_product(out + start * stride, stride, (kl_panels){left + start / 16 * KL_TILE_VALUES, 1},
                  (kl_panels){right, 1}, block.rows, block.columns, 1, 0);
}

static void tiled_head_backward(kl_stream *stream, float *dq, float *dk, float *dv, const float *dout, const float *q,
                                const float *k, const float *v, const float *lse, size_t length, size_t NH,
                                size_t HS) {
  const size_t C = NH * HS;
  const vf scale = v_set(1 / sqrtf((float)HS));
  kl_bf16 *keys = head_tiles(stream, 0), *right_keys = head_tiles(stream, 1), *values = head_tiles(stream, 2);
  kl_bf16 *scratch = head_tiles(stream, 3), *right = head_tiles(stream, 4);
  float *weights = stream->scores, *gradients = stream->score_gradients;
  kl_left_tiles(keys, (kl_matrix){k, length, HS, 2 * C});
  kl_right_tiles(right_keys, (kl_matrix){k, length, HS, 2 * C});
  kl_left_tiles(values, (kl_matrix){v, length, HS, 3 * C});
  for (size_t start = 0; start < length; start += QUERIES) {
    size_t rows = length - start < QUERIES ? length - start : QUERIES, seen = start + rows;
    const kl_matrix block_q = {q + start * 2 * C, rows, HS, 2 * C}, block_dout = {dout + start * C, rows, HS, C};
    turned_product(weights, keys, scratch, block_q, seen);
    turned_product(gradients, values, scratch, block_dout, seen);
    for (size_t lane = 0; lane < rows; lane += W) {
      float of_lanes[W];
      for (size_t r = 0; r < W; r++) of_lanes[r] = lane + r < rows ? lse[(start + lane + r) * NH] : 0;
      lane_gradients(weights + lane, gradients + lane, scale, v_load(of_lanes), start + lane, seen);
    }
    product_of_turned(dq + start * 2 * C, 2 * C, scratch, gradients, seen, rows, right_keys, across_inner(length), HS);
    add_to_keys(dk, 2 * C, scratch, right, gradients, block_q, start);
    add_to_keys(dv, 3 * C, scratch, right, weights, block_dout, start);
  }
}
#undef QUERIES
