// Dense algebra in double precision on one thread: what kernel machines need. Matrices are row-major.
//
// Plain functions outside the table: they are of the host's memory, whatever the device of a model is. The order of
// every sum depends on the sizes alone.
#pragma once
#include <stddef.h>

// c (m, n) += scale * a (m, k) . b^T, with b (n, k). Strides are those of rows; c overlaps neither a nor b.
void kl_dense_product(double *c, size_t c_stride, const double *a, size_t a_stride, const double *b, size_t b_stride,
                      size_t m, size_t n, size_t k, double scale);

// The Cholesky factor L of a symmetric matrix (n, n), L L^T = matrix + ridge I, into its lower triangle.
//
// The matrix is read from its strict upper triangle, which stays, and from `diagonal`, so that it can be factored
// again with another ridge. Returns 0, or 1 + the row whose pivot is not above 0.
size_t kl_dense_cholesky(double *matrix, size_t n, const double *diagonal, double ridge);

// Each row x of `rows` (count, n) becomes L^-1 x, with L in the lower triangle of `factor` (n, n).
void kl_dense_solve_lower(const double *factor, size_t n, double *rows, size_t count);

// Each row x of `rows` (count, n) becomes L^-T x.
void kl_dense_solve_upper(const double *factor, size_t n, double *rows, size_t count);
