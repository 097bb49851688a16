// Gradients against fourth-order central differences of the reference's forward pass.
#include <math.h>

#include "check.h"

#define STEP 0.03125f
#define ELEMENTS 24

// The objective with `delta` added to one element of the input; sums in double.
static double objective(kl_checker *checker, const kl_derivative *d, size_t element, float delta) {
  float *value = (float *)d->forward->arrays[d->input].host + element, kept = *value;
  void *results[KL_CASE_ARRAYS];
  *value = kept + delta;
  kl_case_run(checker->reference, checker->reference_stream, d->forward, results);
  *value = kept;
  const float *out = results[d->out];
  double sum = 0;
  for (size_t i = 0; i < d->forward->arrays[d->out].count; i++) sum += (double)out[i] * d->coefficients[i];
  kl_results_free(d->forward, results);
  return sum;
}

static double difference(kl_checker *checker, const kl_derivative *d, size_t element) {
  double near = objective(checker, d, element, STEP) - objective(checker, d, element, -STEP);
  double far = objective(checker, d, element, 2 * STEP) - objective(checker, d, element, -2 * STEP);
  return (8 * near - far) / (12.0 * STEP);
}

void kl_derivative_check(kl_checker *checker, kl_derivative d) {
  void *of_table[KL_CASE_ARRAYS], *of_reference[KL_CASE_ARRAYS];
  kl_case_run(checker->table, checker->table_stream, d.backward, of_table);
  kl_case_run(checker->reference, checker->reference_stream, d.backward, of_reference);
  const float *got = of_table[d.gradient], *plain = of_reference[d.gradient];
  size_t count = d.backward->arrays[d.gradient].count;
  double magnitude = 1;
  for (size_t i = 0; i < count; i++) magnitude = fmax(magnitude, fabs(plain[i]));
  for (size_t tried = 0; tried < ELEMENTS && tried < count; tried++) {
    size_t element = count <= ELEMENTS ? tried : (size_t)(kl_random(checker) * (double)count);
    if (d.covers && !d.covers(d.backward, element)) continue;
    double want = difference(checker, &d, element), allowed = KL_GRADIENT_TOLERANCE * magnitude;
    const char *name = d.backward->arrays[d.gradient].name;
    if (!(fabs(got[element] - want) <= allowed)) {
      kl_check_failed(checker, d.backward, name, element, got[element], want);
    }
    if (!(fabs(plain[element] - want) <= allowed)) {
      kl_check_failed(checker, d.backward, "(reference) ", element, plain[element], want);
    }
  }
  kl_results_free(d.backward, of_table);
  kl_results_free(d.backward, of_reference);
}
