// Conversion of matrices to tiles of bfloat16. Values are rounded to nearest, ties to even; NaN stays NaN.
#include "bf16_tiles.h"

#if defined(__x86_64__)
#include "vector_avx512.h"

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16"))), \
                             apply_to = function)

// Two vectors of floats as 32 bfloat16: first, then second.
INLINE __m512i to_bf16(vf first, vf second) { return (__m512i)_mm512_cvtne2ps_pbh(second, first); }

// Lane i of the result is the pair (first[i], second[i]).
INLINE __m512i to_pairs(vf first, vf second) {
  const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6,
                                         21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  return _mm512_permutexvar_epi16(order, to_bf16(first, second));
}

// 16 rows of 32 values, from `from`; rows and columns beyond the counts are 0.
INLINE void rows_of_tile(__m512i tile[16], const float *from, size_t stride, size_t rows, size_t columns) {
  const vm low = v_first(columns), high = columns > W ? v_first(columns - W) : 0;
  for (size_t r = 0; r < 16; r++) {
    const float *row = from + r * stride;
    tile[r] = r < rows ? to_bf16(v_load_lanes(low, row), v_load_lanes(high, row + W)) : _mm512_setzero_si512();
  }
}

// 16 rows of pairs, from 32 rows of 16 values.
INLINE void pairs_of_tile(__m512i tile[16], const float *from, size_t stride, size_t rows, size_t columns) {
  const vm lanes = v_first(columns);
  for (size_t p = 0; p < 16; p++) {
    const float *row = from + 2 * p * stride;
    vf first = 2 * p < rows ? v_load_lanes(lanes, row) : v_zero();
    vf second = 2 * p + 1 < rows ? v_load_lanes(lanes, row + stride) : v_zero();
    tile[p] = to_pairs(first, second);
  }
}

INLINE void store_tile(kl_bf16 *to, const __m512i tile[16]) {
  for (size_t r = 0; r < 16; r++) _mm512_storeu_si512(to + r * 32, tile[r]);
}

// A tile's rows are 16 pairs; after this they are its columns.
INLINE void store_tile_transposed(kl_bf16 *to, const __m512i tile[16]) {
  vf pairs[16];
  for (int r = 0; r < 16; r++) pairs[r] = _mm512_castsi512_ps(tile[r]);
  v_transpose(pairs);
  for (size_t r = 0; r < 16; r++) v_store((float *)(to + r * 32), pairs[r]);
}

INLINE size_t at_most(size_t n, size_t most) { return n < most ? n : most; }

// Tiles of 16 rows x 32 columns of m: down the rows, and along the columns within.
INLINE void row_tiles(kl_bf16 *tiles, kl_matrix m, int transposed) {
  for (size_t r = 0; r < m.rows; r += 16) {
    for (size_t c = 0; c < m.columns; c += 32, tiles += KL_TILE_VALUES) {
      __m512i tile[16];
      const float *from = m.values + r * m.stride + c;
      size_t rows = at_most(m.rows - r, 16), columns = at_most(m.columns - c, 32);
      if (rows == 16 && columns == 32) {
        rows_of_tile(tile, from, m.stride, 16, 32);
      } else {
        rows_of_tile(tile, from, m.stride, rows, columns);
      }
      (transposed ? store_tile_transposed : store_tile)(tiles, tile);
    }
  }
}

// Tiles of 32 rows x 16 columns of m: along the columns, and down the rows within. Read along the rows, which the
// memory system foresees.
INLINE void pair_tiles(kl_bf16 *tiles, kl_matrix m, int transposed) {
  const size_t down = kl_tiles_across(m.rows, 32);
  for (size_t r = 0; r < m.rows; r += 32) {
    for (size_t c = 0; c < m.columns; c += 16) {
      __m512i tile[16];
      const float *from = m.values + r * m.stride + c;
      size_t rows = at_most(m.rows - r, 32), columns = at_most(m.columns - c, 16);
      if (rows == 32 && columns == 16) {
        pairs_of_tile(tile, from, m.stride, 32, 16);
      } else {
        pairs_of_tile(tile, from, m.stride, rows, columns);
      }
      (transposed ? store_tile_transposed : store_tile)(tiles + (c / 16 * down + r / 32) * KL_TILE_VALUES, tile);
    }
  }
}

void kl_left_tiles(kl_bf16 *tiles, kl_matrix m) { row_tiles(tiles, m, 0); }
void kl_right_tiles(kl_bf16 *tiles, kl_matrix m) { pair_tiles(tiles, m, 0); }
// Rows of a left tile are pairs along the inner dimension, as a right tile's columns are: each is the other turned.
void kl_right_tiles_transposed(kl_bf16 *tiles, kl_matrix m) { row_tiles(tiles, m, 1); }
void kl_left_tiles_transposed(kl_bf16 *tiles, kl_matrix m) { pair_tiles(tiles, m, 1); }

#pragma clang attribute pop
#endif
