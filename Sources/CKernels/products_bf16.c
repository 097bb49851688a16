// Linear maps by products of tiled bfloat16 matrices.
#include <stdlib.h>

#include "bf16_tiles.h"
#include "internal.h"

// Values of the tiles that cover a matrix, in either orientation.
static size_t tiled_values(size_t rows, size_t columns) { return (rows + 31) / 32 * 32 * ((columns + 31) / 32 * 32); }

kl_products *kl_products_create(kl_limits limits) {
  kl_products *p = calloc(1, sizeof *p);
  if (!p) return NULL;
  size_t width = limits.max_width, larger = limits.max_tokens > width ? limits.max_tokens : width;
  p->limits = limits;
  p->left = kl_scratch(tiled_values(limits.max_tokens, width), sizeof(kl_bf16));
  p->right = kl_scratch(tiled_values(larger, width), sizeof(kl_bf16));
  p->head_values = tiled_values(limits.max_sequence_length, KL_TILED_HEAD);
  p->head = kl_scratch(KL_HEAD_BUFFERS * p->head_values, sizeof(kl_bf16));
  if (p->left && p->right && p->head) return p;
  kl_products_destroy(p);
  return NULL;
}

void kl_products_destroy(kl_products *p) {
  if (!p) return;
  free(p->left);
  free(p->right);
  free(p->head);
  free(p);
}

int kl_supports_bf16(void) { return kl_has_bf16(); }

static int fits(const kl_stream *stream, size_t T, size_t K, size_t N) {
  if (!stream->products || T == 0 || K == 0 || N == 0) return 0;
  const kl_limits *limits = &stream->products->limits;
  return T <= limits->max_tokens && K <= limits->max_width && N <= limits->max_width;
}

static kl_matrix dense(const float *values, size_t rows, size_t columns) {
  return (kl_matrix){values, rows, columns, columns};
}

// out (rows, columns), dense, by whole panels.
static void product(float *out, const kl_bf16 *left, const kl_bf16 *right, size_t rows, size_t columns, size_t inner,
                    int accumulate) {
  size_t panel = kl_tiles_across(inner, KL_TILE_INNER);
  kl_tiles_begin();
  kl_tile_product(out, columns, (kl_panels){left, panel}, (kl_panels){right, panel}, rows, columns, panel, accumulate);
  kl_tiles_end();
}

// A packed weight (N,K) holds two right matrices: its transpose, for the forward map, then itself, for the backward.
static size_t backward_part(size_t K, size_t N) { return tiled_values(N, K); }

size_t kl_packed_bytes(kl_precision precision, size_t K, size_t N) {
  return precision == KL_PRECISION_BF16 && kl_has_bf16() ? 2 * tiled_values(N, K) * sizeof(kl_bf16) : 0;
}

void kl_pack_weight(kl_stream *stream, void *packed, const float *weight, size_t K, size_t N) {
  (void)stream;
  kl_right_tiles_transposed(packed, dense(weight, N, K));
  kl_right_tiles((kl_bf16 *)packed + backward_part(K, N), dense(weight, N, K));
}

int kl_bf16_forward(kl_stream *stream, float *out, const float *inp, const float *weight, const void *packed, size_t T,
                    size_t K, size_t N, int accumulate) {
  if (!fits(stream, T, K, N)) return 0;
  kl_products *p = stream->products;
  kl_left_tiles(p->left, dense(inp, T, K));
  if (!packed) kl_right_tiles_transposed(p->right, dense(weight, N, K));
  product(out, p->left, packed ? packed : p->right, T, N, K, accumulate);
  return 1;
}

int kl_bf16_backward_input(kl_stream *stream, float *dinp, const float *dout, const float *weight, const void *packed,
                           size_t T, size_t K, size_t N, int accumulate) {
  if (!fits(stream, T, K, N)) return 0;
  kl_products *p = stream->products;
  kl_left_tiles(p->left, dense(dout, T, N));
  if (!packed) kl_right_tiles(p->right, dense(weight, N, K));
  const kl_bf16 *right = packed ? (const kl_bf16 *)packed + backward_part(K, N) : p->right;
  product(dinp, p->left, right, T, K, N, accumulate);
  return 1;
}

int kl_bf16_backward_weight(kl_stream *stream, float *dweight, const float *dout, const float *inp, size_t T, size_t K,
                            size_t N) {
  if (!fits(stream, T, K, N)) return 0;
  kl_products *p = stream->products;
  kl_left_tiles_transposed(p->left, dense(dout, T, N));
  kl_right_tiles(p->right, dense(inp, T, K));
  product(dweight, p->left, p->right, N, K, T, 1);
  return 1;
}
