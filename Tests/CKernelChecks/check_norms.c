// Cases of the RMS norm and of rotary positions.
#include <math.h>
#include <string.h>

#include "check.h"

// size: T, C; flag 0: delta, 1: no delta, sum is inp, 2: no delta, no sum, 3: no delta, sum apart
static void run_rms_forward(const kl_table *t, kl_stream *s, void **a, const kl_case *c) {
  t->rms_norm_forward(s, a[0], c->flag == 1 ? a[3] : a[1], a[2], a[3], a[4], a[5], 1e-5f, c->size[0], c->size[1]);
}
static void run_rms_backward(const kl_table *t, kl_stream *s, void **a, const kl_case *c) {
  t->rms_norm_backward(s, a[0], a[1], a[2], a[3], a[4], a[5], c->size[0], c->size[1]);
}

static kl_case rms_forward_case(kl_checker *checker, size_t T, size_t C, int flag) {
  kl_case one = {.op = "rms_norm_forward", .run = run_rms_forward, .size = {T, C}, .flag = flag};
  kl_case_floats(checker, &one, "out", T * C);
  if (flag == 0 || flag == 3) kl_case_floats(checker, &one, "sum", T * C);
  if (flag == 1 || flag == 2) kl_case_absent(&one, "sum");
  kl_case_floats(checker, &one, "rstd", T);
  kl_case_floats(checker, &one, "inp", T * C);
  if (flag == 0) kl_case_floats(checker, &one, "delta", T * C);
  if (flag != 0) kl_case_absent(&one, "delta");
  kl_case_floats(checker, &one, "weight", C);
  return one;
}

// Gradients start at what kl_case_floats gives, or at 0.
static kl_case rms_backward_case(kl_checker *checker, kl_case *forward, int from_zero) {
  size_t T = forward->size[0], C = forward->size[1];
  void *results[KL_CASE_ARRAYS];
  kl_case_run(checker->reference, checker->reference_stream, forward, results);
  kl_case one = {.op = "rms_norm_backward", .run = run_rms_backward, .size = {T, C}};
  float *dsum = kl_case_floats(checker, &one, "dsum", T * C), *dweight = kl_case_floats(checker, &one, "dweight", C);
  if (from_zero) memset(dsum, 0, T * C * sizeof(float)), memset(dweight, 0, C * sizeof(float));
  kl_case_floats(checker, &one, "dout", T * C);
  kl_case_copy(checker, &one, "sum", T * C, results[3]);
  kl_case_copy(checker, &one, "rstd", T, results[2]);
  kl_case_copy(checker, &one, "weight", C, results[5]);
  kl_results_free(forward, results);
  return one;
}

static void check_rms(kl_checker *checker, size_t T, size_t C) {
  for (int flag = 0; flag < 4; flag++) {
    kl_case forward = rms_forward_case(checker, T, C, flag);
    kl_case backward = rms_backward_case(checker, &forward, 0);
    kl_case_check(checker, &forward);
    kl_case_check(checker, &backward);
  }
}

static void check_rms_derivatives(kl_checker *checker, size_t T, size_t C) {
  kl_case forward = rms_forward_case(checker, T, C, 2), backward = rms_backward_case(checker, &forward, 1);
  const float *dout = backward.arrays[2].host;
  kl_derivative_check(checker, (kl_derivative){&forward, &backward, 0, 3, 0, dout, NULL});
  kl_derivative_check(checker, (kl_derivative){&forward, &backward, 0, 5, 1, dout, NULL});
  kl_case_free(&forward);
  kl_case_free(&backward);
}

// size: T, NH, HS; flag 1: normalise
static void run_rope_forward(const kl_table *t, kl_stream *s, void **a, const kl_case *c) {
  t->qk_rope_forward(s, a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], 1e-5f, c->size[0], c->size[1], c->size[2]);
}
static void run_rope_backward(const kl_table *t, kl_stream *s, void **a, const kl_case *c) {
  t->qk_rope_backward(s, a[8], a[9], a[10], a[0], a[2], a[1], a[3], a[4], a[5], a[6], a[7], c->size[0], c->size[1],
                      c->size[2]);
}

#define POSITIONS 12

// Arrays 1 to 7, shared by both directions.
static void rope_inputs(kl_checker *checker, kl_case *one) {
  size_t T = one->size[0], NH = one->size[1], HS = one->size[2], half = HS / 2;
  if (one->flag) kl_case_zeros(checker, one, "rstd", T * 2 * NH);
  if (!one->flag) kl_case_absent(one, "rstd");
  kl_case_floats(checker, one, "qkv", T * 3 * NH * HS);
  if (one->flag) kl_case_floats(checker, one, "q_weight", HS), kl_case_floats(checker, one, "k_weight", HS);
  if (!one->flag) kl_case_absent(one, "q_weight"), kl_case_absent(one, "k_weight");
  float *cosines = kl_case_zeros(checker, one, "cosines", POSITIONS * half);
  float *sines = kl_case_zeros(checker, one, "sines", POSITIONS * half);
  for (size_t i = 0; i < POSITIONS * half; i++) {
    double angle = (double)(i / half) * pow(10000, -(double)(i % half) / (double)half);
    cosines[i] = (float)cos(angle);
    sines[i] = (float)sin(angle);
  }
  kl_case_integers(checker, one, "position", T, 0, POSITIONS);
}

static kl_case rope_forward_case(kl_checker *checker, size_t T, size_t NH, size_t HS, int normalise) {
  kl_case one = {.op = "qk_rope_forward", .run = run_rope_forward, .size = {T, NH, HS}, .flag = normalise};
  kl_case_floats(checker, &one, "out_qk", T * 2 * NH * HS);
  rope_inputs(checker, &one);
  return one;
}

static kl_case rope_backward_case(kl_checker *checker, const kl_case *forward, int from_zero) {
  size_t T = forward->size[0], NH = forward->size[1], HS = forward->size[2];
  void *results[KL_CASE_ARRAYS];
  kl_case_run(checker->reference, checker->reference_stream, forward, results);
  kl_case one = {.op = "qk_rope_backward", .run = run_rope_backward, .size = {T, NH, HS}, .flag = forward->flag};
  kl_case_floats(checker, &one, "dout_qk", T * 2 * NH * HS);
  rope_inputs(checker, &one);
  for (size_t i = 1; i <= 7; i++) {
    if (results[i]) memcpy(one.arrays[i].host, results[i], one.arrays[i].count * sizeof(float));
  }
  kl_case_floats(checker, &one, "dqkv", T * 3 * NH * HS);
  for (int k = 0; k < 2; k++) {
    const char *name = k ? "dk_weight" : "dq_weight";
    if (!forward->flag) kl_case_absent(&one, name);
    if (forward->flag) (from_zero ? kl_case_zeros : kl_case_floats)(checker, &one, name, HS);
  }
  kl_results_free(forward, results);
  return one;
}

static int is_query_or_key(const kl_case *backward, size_t element) {
  size_t C = backward->size[1] * backward->size[2];
  return element % (3 * C) < 2 * C;
}

static void check_rope(kl_checker *checker, size_t T, size_t NH, size_t HS) {
  for (int normalise = 0; normalise < 2; normalise++) {
    kl_case forward = rope_forward_case(checker, T, NH, HS, normalise);
    kl_case backward = rope_backward_case(checker, &forward, 0);
    kl_case_check(checker, &forward);
    kl_case_check(checker, &backward);
  }
}

static void check_rope_derivatives(kl_checker *checker, size_t T, size_t NH, size_t HS, int normalise) {
  kl_case forward = rope_forward_case(checker, T, NH, HS, normalise);
  float *qkv = forward.arrays[2].host;
  // Heads of norm near 1 or above: the differences' truncation grows with the norm's inverse.
  for (size_t i = 0; i < forward.arrays[2].count; i++) qkv[i] += qkv[i] < 0 ? -1 : 1;
  kl_case backward = rope_backward_case(checker, &forward, 1);
  const float *dout = backward.arrays[0].host;
  kl_derivative_check(checker, (kl_derivative){&forward, &backward, 0, 2, 8, dout, is_query_or_key});
  if (normalise) {
    kl_derivative_check(checker, (kl_derivative){&forward, &backward, 0, 3, 9, dout, NULL});
    kl_derivative_check(checker, (kl_derivative){&forward, &backward, 0, 4, 10, dout, NULL});
  }
  kl_case_free(&forward);
  kl_case_free(&backward);
}

void kl_check_norms(kl_checker *checker) {
  static const size_t widths[] = {1, 7, 8, 9, 15, 16, 17, 33, 64, 100, 257};
  for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) check_rms(checker, 5, widths[i]);
  static const size_t heads[][2] = {{1, 2},  {3, 4},  {2, 6},  {4, 8},  {2, 10}, {1, 14},
                                    {4, 16}, {3, 18}, {2, 20}, {1, 32}, {2, 48}, {1, 66}};
  for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) check_rope(checker, 9, heads[i][0], heads[i][1]);
  check_rms_derivatives(checker, 3, 9);
  for (int normalise = 0; normalise < 2; normalise++) {
    check_rope_derivatives(checker, 2, 2, 6, normalise);
    check_rope_derivatives(checker, 2, 1, 34, normalise);
  }
}
