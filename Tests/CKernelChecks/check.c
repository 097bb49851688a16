// Cases: making, running and comparing them.
#include "check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

double kl_random(kl_checker *checker) {  // splitmix64
  uint64_t z = checker->random += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return (double)((z ^ (z >> 31)) >> 44) / (1 << 20);
}

static void *new_array(kl_case *one, const char *name, size_t count, int whole_numbers) {
  void *host = calloc(count + 1, sizeof(float));
  if (!host || one->array_count == KL_CASE_ARRAYS) abort();
  one->arrays[one->array_count++] = (kl_array){name, count, whole_numbers, host};
  return host;
}

float *kl_case_zeros(kl_checker *checker, kl_case *one, const char *name, size_t count) {
  (void)checker;
  return new_array(one, name, count, 0);
}

float *kl_case_floats(kl_checker *checker, kl_case *one, const char *name, size_t count) {
  float *values = new_array(one, name, count, 0);
  for (size_t i = 0; i < count; i++) values[i] = (float)(floor(kl_random(checker) * 16384) / 4096 - 2);
  return values;
}

float *kl_case_copy(kl_checker *checker, kl_case *one, const char *name, size_t count, const float *values) {
  (void)checker;
  float *copy = new_array(one, name, count, 0);
  memcpy(copy, values, count * sizeof(float));
  return copy;
}

int32_t *kl_case_integers(kl_checker *checker, kl_case *one, const char *name, size_t count, int low, int high) {
  int32_t *values = new_array(one, name, count, 1);
  for (size_t i = 0; i < count; i++) values[i] = low + (int32_t)(kl_random(checker) * (high - low));
  return values;
}

void kl_case_absent(kl_case *one, const char *name) { one->arrays[one->array_count++] = (kl_array){.name = name}; }

void kl_case_free(kl_case *one) {
  for (size_t i = 0; i < one->array_count; i++) free(one->arrays[i].host);
  one->array_count = 0;
}

void kl_case_run(const kl_table *table, kl_stream *stream, const kl_case *one, void **results) {
  char *device[KL_CASE_ARRAYS] = {0};
  void *a[KL_CASE_ARRAYS] = {0};
  for (size_t i = 0; i < one->array_count; i++) {
    const kl_array *array = &one->arrays[i];
    results[i] = NULL;
    if (!array->host) continue;
    // One element past the aligned address: no op may count on alignment.
    device[i] = table->allocate((array->count + 1) * sizeof(float));
    results[i] = malloc((array->count + 1) * sizeof(float));
    if (!device[i] || !results[i]) abort();
    a[i] = device[i] + sizeof(float);
    table->copy_in(a[i], array->host, array->count * sizeof(float));
  }
  one->run(table, stream, a, one);
  for (size_t i = 0; i < one->array_count; i++) {
    if (results[i]) table->copy_out(results[i], a[i], one->arrays[i].count * sizeof(float));
    table->release(device[i]);
  }
}

void kl_results_free(const kl_case *one, void **results) {
  for (size_t i = 0; i < one->array_count; i++) free(results[i]);
}

void kl_check_failed(kl_checker *checker, const kl_case *one, const char *array, size_t index, double got,
                     double want) {
  checker->failures++;
  if (checker->used + 1 >= checker->capacity) return;
  const size_t *n = one->size;
  int written = snprintf(checker->report + checker->used, checker->capacity - checker->used,
                         "%s %s: sizes %zu %zu %zu %zu %zu flag %d: %s[%zu] is %.9g, not %.9g\n",
                         checker->table->name, one->op, n[0], n[1], n[2], n[3], n[4], one->flag, array, index, got,
                         want);
  if (written < 0) return;
  size_t end = checker->used + (size_t)written;
  checker->used = end < checker->capacity ? end : checker->capacity - 1;
}

static void compare_floats(kl_checker *checker, const kl_case *one, const kl_array *array, const float *got,
                           const float *want) {
  double magnitude = 0, relative = one->tolerance > 0 ? one->tolerance : KL_TOLERANCE;
  for (size_t i = 0; i < array->count; i++) {
    if (isfinite(want[i])) magnitude = fmax(magnitude, fabs(want[i]));
  }
  double allowed = KL_TOLERANCE_ABSOLUTE + relative * magnitude;
  for (size_t i = 0; i < array->count; i++) {
    if (isnan(want[i]) ? isnan(got[i]) : got[i] == want[i]) continue;
    if (fabs((double)got[i] - want[i]) <= allowed) continue;  // never true of NaN
    kl_check_failed(checker, one, array->name, i, got[i], want[i]);
    return;  // one line for each array
  }
}

static void compare_integers(kl_checker *checker, const kl_case *one, const kl_array *array, const int32_t *got,
                             const int32_t *want) {
  for (size_t i = 0; i < array->count; i++) {
    if (got[i] == want[i]) continue;
    kl_check_failed(checker, one, array->name, i, got[i], want[i]);
    return;
  }
}

static void check_on(kl_checker *checker, kl_stream *stream, kl_case *one) {
  void *got[KL_CASE_ARRAYS], *want[KL_CASE_ARRAYS];
  kl_case_run(checker->table, stream, one, got);
  kl_case_run(checker->reference, checker->reference_stream, one, want);
  for (size_t i = 0; i < one->array_count; i++) {
    const kl_array *array = &one->arrays[i];
    if (!array->host) continue;
    if (array->whole_numbers) {
      compare_integers(checker, one, array, got[i], want[i]);
    } else {
      compare_floats(checker, one, array, got[i], want[i]);
    }
  }
  kl_results_free(one, got);
  kl_results_free(one, want);
  kl_case_free(one);
}

void kl_case_check(kl_checker *checker, kl_case *one) { check_on(checker, checker->table_stream, one); }

void kl_case_check_bf16(kl_checker *checker, kl_case *one) { check_on(checker, checker->table_bf16_stream, one); }

size_t kl_check(const kl_table *table, char *report, size_t capacity) {
  if (capacity) report[0] = 0;
  const kl_table *reference = kl_table_reference();
  kl_limits limits = {.max_tokens = 1100, .max_sequence_length = 530, .max_width = 1024};
  kl_checker checker = {
      .table = table,
      .reference = reference,
      .table_stream = table->stream_create(KL_PRECISION_FP32, limits),
      .table_bf16_stream = table->stream_create(KL_PRECISION_BF16, limits),
      .reference_stream = reference->stream_create(KL_PRECISION_FP32, limits),
      .report = report,
      .capacity = capacity,
      .random = 20240607,
  };
  if (checker.table_stream && checker.table_bf16_stream && checker.reference_stream) {
    kl_check_products(&checker);
    kl_check_pointwise(&checker);
    kl_check_norms(&checker);
    kl_check_attention(&checker);
    kl_check_losses(&checker);
  } else {
    checker.failures++;
    if (capacity) snprintf(report, capacity, "%s: no memory for a stream\n", table->name);
  }
  if (checker.table_stream) table->stream_destroy(checker.table_stream);
  if (checker.table_bf16_stream) table->stream_destroy(checker.table_bf16_stream);
  if (checker.reference_stream) reference->stream_destroy(checker.reference_stream);
  return checker.failures;
}
