// Matrices cut into tiles of 1 KiB, the unit of AMX: 16 rows of 64 bytes, in bfloat16.
//
// A left matrix (rows, inner) is kept in tiles of 16 rows x 32 inner values; tiles of one stretch of 16 rows follow
// each other along the inner dimension. A right matrix (inner, columns) is kept in tiles of 32 inner values x 16
// columns, whose rows hold 16 pairs: values 2p and 2p + 1 of each column beside each other; tiles of one stretch of
// 16 columns follow each other along the inner dimension. Values beyond the matrix are 0.
#pragma once
#include <stddef.h>
#include <stdint.h>

#define KL_TILE_VALUES 512  // of one tile
#define KL_TILE_ROWS 16
#define KL_TILE_INNER 32

typedef uint16_t kl_bf16;

// A matrix in single precision: value (r, c) is at values[r * stride + c].
typedef struct {
  const float *values;
  size_t rows, columns, stride;
} kl_matrix;

// Number of tiles that cover `count` values of a dimension.
static inline size_t kl_tiles_across(size_t count, size_t of_tile) { return (count + of_tile - 1) / of_tile; }

// The tiles of m as a left matrix, and of its transpose.
void kl_left_tiles(kl_bf16 *tiles, kl_matrix m);
void kl_left_tiles_transposed(kl_bf16 *tiles, kl_matrix m);
// The tiles of m as a right matrix, and of its transpose.
void kl_right_tiles(kl_bf16 *tiles, kl_matrix m);
void kl_right_tiles_transposed(kl_bf16 *tiles, kl_matrix m);

// A tiled matrix: `panel` tiles cover the inner dimension of each stretch of 16 rows or columns.
typedef struct {
  const kl_bf16 *tiles;
  size_t panel;
} kl_panels;

// out (rows, columns) = left . right over the first `inner_tiles` tiles of each panel, added into out when accumulate
// is not 0; `stride` floats from row to row of out.
void kl_tile_product(float *out, size_t stride, kl_panels left, kl_panels right, size_t rows, size_t columns,
                     size_t inner_tiles, int accumulate);

// Products are made between these two, on one thread.
void kl_tiles_begin(void);
void kl_tiles_end(void);

// 1 when this CPU multiplies bfloat16: by AMX, or by AVX-512's dot products.
int kl_has_bf16(void);
