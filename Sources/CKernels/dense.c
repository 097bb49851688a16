// Dense algebra in double precision: a blocked product, and a left-looking Cholesky factor made of it.
#include "dense.h"

#include <math.h>
#include <string.h>

#define ROWS 6       // rows of c that a tile holds in registers
#define LANES 8      // and its columns
#define BLOCK 128    // columns of c, or of a factor, that are done together
#define DEPTH 256    // terms of the sums between two writes of c

typedef double lanes __attribute__((vector_size(LANES * sizeof(double)), aligned(sizeof(double))));

#if defined(__x86_64__)
#define FASTEST __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define FASTEST
#endif

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

FASTEST void kl_dense_product(double *c, size_t c_stride, const double *a, size_t a_stride, const double *b,
                              size_t b_stride, size_t m, size_t n, size_t k, double scale) {
  double packed[BLOCK * DEPTH] __attribute__((aligned(64)));
  for (size_t column = 0; column < n; column += BLOCK) {
    const size_t width = least(BLOCK, n - column);
    for (size_t first = 0; first < k; first += DEPTH) {
      const size_t depth = least(DEPTH, k - first);
      for (size_t j = 0; j < width; j += LANES) {
        double *tile = packed + j * depth;
        for (size_t lane = 0; lane < LANES; lane++) {
          const double *row = b + (column + j + lane) * b_stride + first;
          for (size_t t = 0; t < depth; t++) tile[t * LANES + lane] = j + lane < width ? row[t] : 0;
        }
      }
      for (size_t i = 0; i < m; i += ROWS) {
        // Beyond the last row the last one is read again, and nothing is written.
        const double *rows[ROWS];
        for (size_t r = 0; r < ROWS; r++) rows[r] = a + least(i + r, m - 1) * a_stride + first;
        for (size_t j = 0; j < width; j += LANES) {
          const double *tile = packed + j * depth;
          lanes s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0}, s4 = {0}, s5 = {0};
          for (size_t t = 0; t < depth; t++) {
            const lanes value = *(const lanes *)(tile + t * LANES);
            s0 += rows[0][t] * value;
            s1 += rows[1][t] * value;
            s2 += rows[2][t] * value;
            s3 += rows[3][t] * value;
            s4 += rows[4][t] * value;
            s5 += rows[5][t] * value;
          }
          const lanes sums[ROWS] = {s0, s1, s2, s3, s4, s5};
          for (size_t r = 0; r < least(ROWS, m - i); r++) {
            double *out = c + (i + r) * c_stride + column + j;
            for (size_t lane = 0; lane < least(LANES, width - j); lane++) out[lane] += scale * sums[r][lane];
          }
        }
      }
    }
  }
}

// The lower triangle of a block (width, width), transposed: row t holds column t from the diagonal on.
static void transpose(double *out, const double *block, size_t stride, size_t width) {
  for (size_t t = 0; t < width; t++) {
    for (size_t c = t; c < width; c++) out[t * BLOCK + c] = block[c * stride + t];
  }
}

// x <- L^-1 x for one block, given transposed.
FASTEST static void solve_block(const double *transposed, size_t width, double *x) {
  for (size_t t = 0; t < width; t++) {
    const double *column = transposed + t * BLOCK;
    const double value = x[t] /= column[t];
    for (size_t c = t + 1; c < width; c++) x[c] -= value * column[c];
  }
}

static size_t factor_block(double *block, size_t stride, size_t width) {
  for (size_t row = 0; row < width; row++) {
    double *own = block + row * stride;
    for (size_t column = 0; column <= row; column++) {
      const double *other = block + column * stride;
      double sum = own[column];
      for (size_t t = 0; t < column; t++) sum -= own[t] * other[t];
      if (column < row) {
        own[column] = sum / other[column];
      } else {
        if (!(sum > 0)) return row + 1;
        own[row] = sqrt(sum);
      }
    }
  }
  return 0;
}

size_t kl_dense_cholesky(double *matrix, size_t n, const double *diagonal, double ridge) {
  double kept[BLOCK * BLOCK];
  for (size_t row = 0; row < n; row += 64) {
    for (size_t column = 0; column <= row; column += 64) {
      for (size_t i = row; i < least(row + 64, n); i++) {
        for (size_t j = column; j < least(column + 64, i); j++) matrix[i * n + j] = matrix[j * n + i];
      }
    }
  }
  for (size_t i = 0; i < n; i++) matrix[i * n + i] = diagonal[i] + ridge;
  for (size_t first = 0; first < n; first += BLOCK) {
    const size_t width = least(BLOCK, n - first);
    double *block = matrix + first * n + first;
    // The product below fills the block's upper triangle too.
    for (size_t i = 0; i < width; i++) memcpy(kept + i * BLOCK, block + i * n, width * sizeof(double));
    kl_dense_product(block, n, matrix + first * n, n, matrix + first * n, n, n - first, width, first, -1);
    const size_t failed = factor_block(block, n, width);
    for (size_t i = 0; i < width; i++) {
      memcpy(block + i * n + i + 1, kept + i * BLOCK + i + 1, (width - i - 1) * sizeof(double));
    }
    if (failed) return first + failed;
    transpose(kept, block, n, width);
    for (size_t i = first + width; i < n; i++) solve_block(kept, width, matrix + i * n + first);
  }
  return 0;
}

void kl_dense_solve_lower(const double *factor, size_t n, double *rows, size_t count) {
  double transposed[BLOCK * BLOCK];
  for (size_t first = 0; first < n; first += BLOCK) {
    const size_t width = least(BLOCK, n - first);
    kl_dense_product(rows + first, n, rows, n, factor + first * n, n, count, width, first, -1);
    transpose(transposed, factor + first * n + first, n, width);
    for (size_t i = 0; i < count; i++) solve_block(transposed, width, rows + i * n + first);
  }
}

FASTEST void kl_dense_solve_upper(const double *factor, size_t n, double *rows, size_t count) {
  for (size_t i = 0; i < count; i++) {
    double *x = rows + i * n;
    for (size_t row = n; row-- > 0;) {
      const double *own = factor + row * n;
      const double value = x[row] /= own[row];
      for (size_t t = 0; t < row; t++) x[t] -= value * own[t];
    }
  }
}
