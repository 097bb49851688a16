// Cases of the activations, sums and the optimiser.
#include <math.h>

#include "check.h"

typedef void (*runner)(const kl_table *, kl_stream *, void **, const kl_case *);

// size: T, FF; arrays: out or gradient, gate_up or inp, dout
static void run_swiglu_forward(const kl_table *t, kl_stream *s, void **a, const kl_case *c) {
  t->swiglu_forward(s, a[0], a[1], c->size[0], c->size[1]);
}
static void run_swiglu_backward(const kl_table *t, kl_stream *s, void **a, const kl_case *c) {
  t->swiglu_backward(s, a[0], a[2], a[1], c->size[0], c->size[1]);
}
static void run_gelu_forward(const kl_table *t, kl_stream *s, void **a, const kl_case *c) {
  t->gelu_forward(s, a[0], a[1], c->size[0] * c->size[1]);
}
static void run_gelu_backward(const kl_table *t, kl_stream *s, void **a, const kl_case *c) {
  t->gelu_backward(s, a[0], a[2], a[1], c->size[0] * c->size[1]);
}
static void run_relu_forward(const kl_table *t, kl_stream *s, void **a, const kl_case *c) {
  t->relu_forward(s, a[0], a[1], c->size[0] * c->size[1]);
}
static void run_relu_backward(const kl_table *t, kl_stream *s, void **a, const kl_case *c) {
  t->relu_backward(s, a[0], a[2], a[1], c->size[0] * c->size[1]);
}

static const struct {
  const char *forward_name, *backward_name;
  runner forward, backward;
  size_t inputs;  // values in for one out
  float stretch;  // of the inputs: far enough for the activation to saturate
} activations[] = {
    {"swiglu_forward", "swiglu_backward", run_swiglu_forward, run_swiglu_backward, 2, 20},
    {"gelu_forward", "gelu_backward", run_gelu_forward, run_gelu_backward, 1, 5},
    {"relu_forward", "relu_backward", run_relu_forward, run_relu_backward, 1, 1},
};

static void activation_cases(kl_checker *checker, size_t kind, size_t T, size_t FF, kl_case *forward,
                             kl_case *backward) {
  size_t n = T * FF, inputs = activations[kind].inputs * n;
  *forward = (kl_case){.op = activations[kind].forward_name, .run = activations[kind].forward, .size = {T, FF}};
  *backward = (kl_case){.op = activations[kind].backward_name, .run = activations[kind].backward, .size = {T, FF}};
  kl_case_floats(checker, forward, "out", n);
  float *inp = kl_case_floats(checker, forward, "inp", inputs);
  kl_case_floats(checker, backward, "dinp", inputs);
  kl_case_copy(checker, backward, "inp", inputs, inp);
  kl_case_floats(checker, backward, "dout", n);
}

static void check_activations(kl_checker *checker, size_t T, size_t FF) {
  for (size_t kind = 0; kind < sizeof activations / sizeof *activations; kind++) {
    kl_case forward, backward;
    activation_cases(checker, kind, T, FF, &forward, &backward);
    float *inp = forward.arrays[1].host, *same = backward.arrays[1].host;
    for (size_t i = 0; i < forward.arrays[1].count; i++) same[i] = inp[i] *= activations[kind].stretch;
    kl_case_check(checker, &forward);
    kl_case_check(checker, &backward);
  }
}

static void check_activation_derivatives(kl_checker *checker) {
  for (size_t kind = 0; kind < sizeof activations / sizeof *activations; kind++) {
    kl_case forward, backward;
    activation_cases(checker, kind, 2, 5, &forward, &backward);
    float *inp = forward.arrays[1].host, *same = backward.arrays[1].host;
    for (size_t i = 0; i < forward.arrays[1].count; i++) {  // away from the corner of relu
      if (fabsf(inp[i]) < 0.125f) same[i] = inp[i] = 0.5f;
    }
    kl_derivative_check(checker, (kl_derivative){&forward, &backward, 0, 1, 0, backward.arrays[2].host, NULL});
    kl_case_free(&forward);
    kl_case_free(&backward);
  }
}

// size: n; flag 1: out is the first input
static void run_add(const kl_table *t, kl_stream *s, void **a, const kl_case *c) {
  t->add(s, c->flag ? a[1] : a[0], a[1], a[2], c->size[0]);
}

// size: n, lanes
static void run_sum_lanes(const kl_table *t, kl_stream *s, void **a, const kl_case *c) {
  const float *lanes[8];
  for (size_t l = 0; l < c->size[1]; l++) lanes[l] = a[l + 1];
  t->sum_lanes(s, c->flag ? a[1] : a[0], lanes, c->size[1], c->size[0]);
}

static void run_sum_of_squares(const kl_table *t, kl_stream *s, void **a, const kl_case *c) {
  float sum = (float)t->sum_of_squares(s, a[1], c->size[0]);
  t->copy_in(a[0], &sum, sizeof sum);
}

static void run_adamw(const kl_table *t, kl_stream *s, void **a, const kl_case *c) {
  kl_adamw scalars = {.learning_rate = 1e-3f, .beta1 = 0.9f, .beta2 = 0.99f, .epsilon = 1e-8f, .weight_decay = 0.1f,
                      .correction1 = 0.271f, .correction2 = 0.0297f, .gradient_scale = 0.7f};
  t->adamw(s, a[0], a[1], a[2], a[3], scalars, c->size[0]);
}

// flag 1: the angle alone, the old parameter being 0
static void run_adam_atan2(const kl_table *t, kl_stream *s, void **a, const kl_case *c) {
  kl_adam_atan2 scalars = {.learning_rate = c->flag ? 1 : 1e-2f, .beta1 = 0.9f, .beta2 = 0.99f,
                           .scale = c->flag ? 1 : 1.27f, .ratio = c->flag ? 1 : 0.8f, .weight_decay = 0.1f,
                           .correction1 = 0.271f, .correction2 = 0.0297f, .gradient_scale = 0.7f};
  t->adam_atan2(s, a[0], a[1], a[2], a[3], scalars, c->size[0]);
}

// The angle for moments of every ratio from 2^-20 to 2^20 and both signs, with gradients of 0.
static void check_angles(kl_checker *checker) {
  size_t n = 41 * 2 * 3;
  kl_case one = {.op = "adam_atan2", .run = run_adam_atan2, .size = {n}, .flag = 1, .tolerance = 2.5e-7};
  kl_case_zeros(checker, &one, "param", n);
  float *first = kl_case_zeros(checker, &one, "first", n), *second = kl_case_zeros(checker, &one, "second", n);
  kl_case_zeros(checker, &one, "gradient", n);
  static const float roots[] = {1e-6f, 0.7f, 3e5f};
  for (size_t i = 0; i < n; i++) {
    float root = roots[i / 82];
    first[i] = root * ldexpf((float)(1 + kl_random(checker)), (int)(i % 41) - 20) * (i / 41 % 2 ? -1 : 1);
    second[i] = root * root;
  }
  kl_case_check(checker, &one);
}

// Where no gradient ever was there is no step, and one of NaN or of a first moment alone shows.
static void check_empty_moments(kl_checker *checker) {
  static const float firsts[] = {0, 1e-20f, -1, 0, 0}, gradients[] = {0, 0, 0, NAN, 2};
  size_t n = 35;
  kl_case one = {.op = "adam_atan2", .run = run_adam_atan2, .size = {n}};
  kl_case_floats(checker, &one, "param", n);
  float *first = kl_case_zeros(checker, &one, "first", n);
  kl_case_zeros(checker, &one, "second", n);
  float *gradient = kl_case_zeros(checker, &one, "gradient", n);
  for (size_t i = 0; i < n; i++) first[i] = firsts[i % 5], gradient[i] = gradients[i % 5];
  kl_case_check(checker, &one);
}

static void check_sums(kl_checker *checker, size_t n) {
  for (int in_place = 0; in_place < 2; in_place++) {
    kl_case one = {.op = "add", .run = run_add, .size = {n}, .flag = in_place};
    for (int k = 0; k < 3; k++) kl_case_floats(checker, &one, "out, a, b", n);
    kl_case_check(checker, &one);
    for (size_t lanes = 1; lanes <= 8; lanes += 3) {
      one = (kl_case){.op = "sum_lanes", .run = run_sum_lanes, .size = {n, lanes}, .flag = in_place};
      for (size_t k = 0; k <= lanes; k++) kl_case_floats(checker, &one, "out, lanes", n);
      kl_case_check(checker, &one);
    }
  }
  kl_case one = {.op = "sum_of_squares", .run = run_sum_of_squares, .size = {n}, .tolerance = 1e-7};
  kl_case_floats(checker, &one, "sum", 1);
  kl_case_floats(checker, &one, "values", n);
  kl_case_check(checker, &one);
  one = (kl_case){.op = "adamw", .run = run_adamw, .size = {n}};
  kl_case_floats(checker, &one, "param", n);
  kl_case_floats(checker, &one, "first", n);
  float *second = kl_case_floats(checker, &one, "second", n);
  for (size_t i = 0; i < n; i++) second[i] = second[i] * second[i];
  kl_case_floats(checker, &one, "gradient", n);
  kl_case_check(checker, &one);
  one = (kl_case){.op = "adam_atan2", .run = run_adam_atan2, .size = {n}};
  kl_case_floats(checker, &one, "param", n);
  kl_case_floats(checker, &one, "first", n);
  second = kl_case_floats(checker, &one, "second", n);
  for (size_t i = 0; i < n; i++) second[i] = second[i] * second[i];
  kl_case_floats(checker, &one, "gradient", n);
  kl_case_check(checker, &one);
}

// NaN and infinity must come out where they go in.
static void check_unusual(kl_checker *checker) {
  static const float values[] = {NAN, INFINITY, -INFINITY, 3e38f, -3e38f, 1e-40f, -0.0f, 100, -100};
  size_t n = 35;
  for (size_t kind = 0; kind < sizeof activations / sizeof *activations; kind++) {
    kl_case forward, backward;
    activation_cases(checker, kind, 1, n, &forward, &backward);
    float *inp = forward.arrays[1].host;
    for (size_t i = 0; i < n; i++) inp[i] = values[i % (kind == 2 ? 9 : 2)];
    kl_case_check(checker, &forward);
    kl_case_free(&backward);
  }
}

void kl_check_pointwise(kl_checker *checker) {
  static const size_t sizes[] = {0, 1, 7, 8, 9, 15, 16, 17, 33, 64, 100};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    check_activations(checker, 3, sizes[i]);
    check_sums(checker, sizes[i]);
  }
  check_sums(checker, 1031);
  check_activation_derivatives(checker);
  check_unusual(checker);
  check_angles(checker);
  check_empty_moments(checker);
}
