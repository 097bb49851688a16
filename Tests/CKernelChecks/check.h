// The check of one table against the reference: a case is one call of one op on made-up arrays.
#pragma once
#include "ckernelchecks.h"

#define KL_CASE_ARRAYS 16

typedef struct kl_case kl_case;

typedef struct {
  const char *name;
  size_t count;
  int whole_numbers;  // int32_t rather than float
  void *host;         // initial values; NULL for an array the call leaves out
} kl_array;

struct kl_case {
  const char *op;
  // Calls the op; a[i] is the memory of arrays[i].
  void (*run)(const kl_table *table, kl_stream *stream, void **a, const kl_case *one);
  size_t size[5];  // by the op's own order
  float scalar[3];
  int flag;
  size_t array_count;
  kl_array arrays[KL_CASE_ARRAYS];
  double tolerance;  // of the largest magnitude in an array; 0 means KL_TOLERANCE
};

// Single precision: what two summation orders and an exponential within 2e-7 may differ by.
#define KL_TOLERANCE 4e-6
#define KL_TOLERANCE_ABSOLUTE 1e-6
// Fourth-order differences with a step of 1/32: about 1e-6 of rounding over the step, and the truncation.
#define KL_GRADIENT_TOLERANCE 4e-4

typedef struct {
  const kl_table *table, *reference;
  kl_stream *table_stream, *reference_stream;
  kl_stream *table_bf16_stream;
  char *report;
  size_t capacity, used, failures;
  uint64_t random;
} kl_checker;

// A number in [0, 1), of 20 bits.
double kl_random(kl_checker *checker);

// Each adds an array to the case and returns its values. Floats are in [-2, 2), whole multiples of 2^-12, so that
// a difference step changes them exactly. Memory that runs out stops the check.
float *kl_case_floats(kl_checker *checker, kl_case *one, const char *name, size_t count);
float *kl_case_copy(kl_checker *checker, kl_case *one, const char *name, size_t count, const float *values);
float *kl_case_zeros(kl_checker *checker, kl_case *one, const char *name, size_t count);
// Whole numbers in low ..< high.
int32_t *kl_case_integers(kl_checker *checker, kl_case *one, const char *name, size_t count, int low, int high);
void kl_case_absent(kl_case *one, const char *name);
void kl_case_free(kl_case *one);

// Runs the case on `table`; results[i] are the values of arrays[i] afterwards, to be released by kl_results_free.
void kl_case_run(const kl_table *table, kl_stream *stream, const kl_case *one, void **results);
void kl_results_free(const kl_case *one, void **results);
// Runs the case on both tables and compares every array, inputs too. Frees the case.
void kl_case_check(kl_checker *checker, kl_case *one);
// The same, on the table's bfloat16 stream.
void kl_case_check_bf16(kl_checker *checker, kl_case *one);
void kl_check_failed(kl_checker *checker, const kl_case *one, const char *array, size_t index, double got,
                     double want);

// Compares array `gradient` of `backward` on both tables with central differences of
// sum(coefficients * array `out` of `forward`) in array `input`, at some elements that `covers` accepts (NULL: all).
typedef struct {
  kl_case *forward, *backward;
  size_t out, input, gradient;
  const float *coefficients;
  int (*covers)(const kl_case *backward, size_t element);
} kl_derivative;
void kl_derivative_check(kl_checker *checker, kl_derivative d);

void kl_check_products(kl_checker *checker);
void kl_check_pointwise(kl_checker *checker);
void kl_check_norms(kl_checker *checker);
void kl_check_attention(kl_checker *checker);
void kl_check_losses(kl_checker *checker);
