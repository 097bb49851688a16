// Cases of the linear maps, embedding, bias and gathering.
#include <string.h>

#include "check.h"
#include "internal.h"

// The weight packed for the table's fastest bfloat16 products, in every other call that is given one.
static void *packed_weight(const kl_table *t, kl_stream *s, const float *weight, const kl_case *c) {
  size_t bytes = t->packed_bytes(s->precision, c->size[1], c->size[2]);
  void *packed = c->flag && bytes ? t->allocate(bytes) : NULL;
  if (packed) t->pack_weight(s, packed, weight, c->size[1], c->size[2]);
  return packed;
}

// size: T, K, N
static void run_linear_forward(const kl_table *t, kl_stream *s, void **a, const kl_case *c) {
  void *packed = packed_weight(t, s, a[2], c);
  t->linear_forward(s, a[0], a[1], a[2], packed, c->size[0], c->size[1], c->size[2], c->flag);
  if (packed) t->release(packed);
}
static void run_linear_backward_input(const kl_table *t, kl_stream *s, void **a, const kl_case *c) {
  void *packed = packed_weight(t, s, a[2], c);
  t->linear_backward_input(s, a[0], a[1], a[2], packed, c->size[0], c->size[1], c->size[2], c->flag);
  if (packed) t->release(packed);
}
static void run_linear_backward_weight(const kl_table *t, kl_stream *s, void **a, const kl_case *c) {
  t->linear_backward_weight(s, a[0], a[1], a[2], c->size[0], c->size[1], c->size[2]);
}

static kl_case linear_forward_case(kl_checker *checker, size_t T, size_t K, size_t N, int accumulate) {
  kl_case one = {.op = "linear_forward", .run = run_linear_forward, .size = {T, K, N}, .flag = accumulate};
  kl_case_floats(checker, &one, "out", T * N);
  kl_case_floats(checker, &one, "inp", T * K);
  kl_case_floats(checker, &one, "weight", N * K);
  return one;
}

static kl_case linear_backward_input_case(kl_checker *checker, size_t T, size_t K, size_t N, int accumulate) {
  kl_case one = {
      .op = "linear_backward_input", .run = run_linear_backward_input, .size = {T, K, N}, .flag = accumulate};
  kl_case_floats(checker, &one, "dinp", T * K);
  kl_case_floats(checker, &one, "dout", T * N);
  kl_case_floats(checker, &one, "weight", N * K);
  return one;
}

static kl_case linear_backward_weight_case(kl_checker *checker, size_t T, size_t K, size_t N) {
  kl_case one = {.op = "linear_backward_weight", .run = run_linear_backward_weight, .size = {T, K, N}};
  kl_case_floats(checker, &one, "dweight", N * K);
  kl_case_floats(checker, &one, "dout", T * N);
  kl_case_floats(checker, &one, "inp", T * K);
  return one;
}

// Bfloat16 keeps 8 significant bits. On inputs of 8 bits the products are exact, so the tolerance is single
// precision's; on others each input is off by at most 2^-9 of itself.
static void check_bf16(kl_checker *checker, kl_case one, int exact) {
  for (size_t i = 1; exact && i < one.array_count; i++) {
    float *values = one.arrays[i].host;
    for (size_t k = 0; k < one.arrays[i].count; k++) values[k] = (float)(int)(values[k] * 32) / 32;
  }
  if (!exact) one.tolerance = 1e-2;
  kl_case_check_bf16(checker, &one);
}

static void check_linear(kl_checker *checker, size_t T, size_t K, size_t N) {
  for (int accumulate = 0; accumulate < 2; accumulate++) {
    kl_case one = linear_forward_case(checker, T, K, N, accumulate);
    kl_case_check(checker, &one);
    one = linear_backward_input_case(checker, T, K, N, accumulate);
    kl_case_check(checker, &one);
    check_bf16(checker, linear_forward_case(checker, T, K, N, accumulate), accumulate);
    check_bf16(checker, linear_backward_input_case(checker, T, K, N, accumulate), accumulate);
    check_bf16(checker, linear_backward_weight_case(checker, T, K, N), accumulate);
  }
  kl_case one = linear_backward_weight_case(checker, T, K, N);
  kl_case_check(checker, &one);
}

static void check_linear_derivatives(kl_checker *checker, size_t T, size_t K, size_t N) {
  kl_case forward = linear_forward_case(checker, T, K, N, 0);
  kl_case input = linear_backward_input_case(checker, T, K, N, 0);
  kl_case weight = linear_backward_weight_case(checker, T, K, N);
  memcpy(input.arrays[2].host, forward.arrays[2].host, N * K * sizeof(float));
  memcpy(weight.arrays[2].host, forward.arrays[1].host, T * K * sizeof(float));
  memset(weight.arrays[0].host, 0, N * K * sizeof(float));
  kl_derivative_check(checker, (kl_derivative){&forward, &input, 0, 1, 0, input.arrays[1].host, NULL});
  kl_derivative_check(checker, (kl_derivative){&forward, &weight, 0, 2, 0, weight.arrays[1].host, NULL});
  kl_case_free(&forward);
  kl_case_free(&input);
  kl_case_free(&weight);
}

// size: T, C, V
static void run_embedding_forward(const kl_table *t, kl_stream *s, void **a, const kl_case *c) {
  t->embedding_forward(s, a[0], a[1], a[2], c->size[0], c->size[1]);
}
static void run_embedding_backward(const kl_table *t, kl_stream *s, void **a, const kl_case *c) {
  t->embedding_backward(s, a[0], a[1], a[2], c->size[0], c->size[1]);
}
static void run_gather_rows(const kl_table *t, kl_stream *s, void **a, const kl_case *c) {
  t->gather_rows(s, a[0], a[2], a[1], c->size[0], c->size[1]);
}

static void check_embedding(kl_checker *checker, size_t T, size_t C, size_t V) {
  void (*runs[])(const kl_table *, kl_stream *, void **, const kl_case *) = {
      run_embedding_forward, run_gather_rows, run_embedding_backward};
  const char *names[] = {"embedding_forward", "gather_rows", "embedding_backward"};
  for (int k = 0; k < 3; k++) {
    kl_case one = {.op = names[k], .run = runs[k], .size = {T, C, V}};
    kl_case_floats(checker, &one, "out", (k == 2 ? V : T) * C);
    kl_case_integers(checker, &one, "ids", T, 0, (int)V);
    kl_case_floats(checker, &one, "inp", (k == 2 ? T : V) * C);
    kl_case_check(checker, &one);
  }
}

// size: T, N
static void run_bias_forward(const kl_table *t, kl_stream *s, void **a, const kl_case *c) {
  t->bias_forward(s, a[0], a[1], c->size[0], c->size[1]);
}
static void run_bias_backward(const kl_table *t, kl_stream *s, void **a, const kl_case *c) {
  t->bias_backward(s, a[1], a[0], c->size[0], c->size[1]);
}

static void check_bias(kl_checker *checker, size_t T, size_t N) {
  for (int backward = 0; backward < 2; backward++) {
    kl_case one = {.op = backward ? "bias_backward" : "bias_forward",
                   .run = backward ? run_bias_backward : run_bias_forward,
                   .size = {T, N}};
    kl_case_floats(checker, &one, backward ? "dout" : "out", T * N);
    kl_case_floats(checker, &one, backward ? "dbias" : "bias", N);
    kl_case_check(checker, &one);
  }
}

void kl_check_products(kl_checker *checker) {
  static const size_t shapes[][3] = {{0, 4, 4},    {1, 0, 3},    {1, 1, 1},     {7, 9, 8},
                                     {8, 16, 15},  {9, 33, 17},  {33, 18, 54},  {17, 64, 65},
                                     {100, 31, 7}, {130, 65, 33}, {577, 16, 48}, {5, 48, 301}};
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
    check_linear(checker, shapes[i][0], shapes[i][1], shapes[i][2]);
    check_embedding(checker, shapes[i][0], shapes[i][1], shapes[i][2]);
    check_bias(checker, shapes[i][0], shapes[i][2]);
  }
  check_linear_derivatives(checker, 3, 5, 4);
}
