// Cases of attention.
#include <string.h>

#include "check.h"

// size: S, T, NH, HS
static void run_forward(const kl_table *t, kl_stream *s, void **a, const kl_case *c) {
  t->attention_forward(s, a[0], a[1], a[2], a[3], a[4], c->size[0], c->size[1], c->size[2], c->size[3]);
}
static void run_backward(const kl_table *t, kl_stream *s, void **a, const kl_case *c) {
  t->attention_backward(s, a[5], a[6], a[7], a[2], a[3], a[0], a[1], a[4], c->size[0], c->size[1], c->size[2],
                        c->size[3]);
}

static kl_case forward_case(kl_checker *checker, const size_t *lengths, size_t S, size_t NH, size_t HS) {
  size_t T = 0, C = NH * HS;
  for (size_t s = 0; s < S; s++) T += lengths[s];
  kl_case one = {.op = "attention_forward", .run = run_forward, .size = {S, T, NH, HS}};
  kl_case_floats(checker, &one, "out", T * C);
  kl_case_floats(checker, &one, "lse", T * NH);
  kl_case_floats(checker, &one, "qk", T * 2 * C);
  kl_case_floats(checker, &one, "qkv", T * 3 * C);
  int32_t *offsets = kl_case_integers(checker, &one, "offsets", S + 1, 0, 1);
  for (size_t s = 0; s < S; s++) offsets[s + 1] = offsets[s] + (int32_t)lengths[s];
  return one;
}

static kl_case backward_case(kl_checker *checker, const kl_case *forward) {
  void *results[KL_CASE_ARRAYS];
  kl_case_run(checker->reference, checker->reference_stream, forward, results);
  size_t T = forward->size[1], C = forward->size[2] * forward->size[3];
  kl_case one = *forward;
  one.op = "attention_backward";
  one.run = run_backward;
  one.array_count = 0;
  for (size_t i = 0; i < 4; i++) {
    kl_case_copy(checker, &one, forward->arrays[i].name, forward->arrays[i].count, results[i]);
  }
  int32_t *offsets = kl_case_integers(checker, &one, "offsets", forward->arrays[4].count, 0, 1);
  memcpy(offsets, results[4], forward->arrays[4].count * sizeof *offsets);
  kl_case_floats(checker, &one, "dqk", T * 2 * C);
  kl_case_floats(checker, &one, "dqkv", T * 3 * C);
  kl_case_floats(checker, &one, "dout", T * C);
  kl_results_free(forward, results);
  return one;
}

static void check_sequences(kl_checker *checker, const size_t *lengths, size_t S, size_t NH, size_t HS) {
  kl_case forward = forward_case(checker, lengths, S, NH, HS), backward = backward_case(checker, &forward);
  backward.tolerance = 1e-5;  // products of sums of sums
  kl_case_check(checker, &forward);
  kl_case_check(checker, &backward);
  // Scores of inputs rounded to 8 bits, and weights rounded likewise.
  forward = forward_case(checker, lengths, S, NH, HS);
  backward = backward_case(checker, &forward);
  forward.tolerance = backward.tolerance = 2e-2;
  kl_case_check_bf16(checker, &forward);
  kl_case_check_bf16(checker, &backward);
}

static int is_value(const kl_case *backward, size_t element) {
  size_t C = backward->size[2] * backward->size[3];
  return element % (3 * C) >= 2 * C;
}

static void check_derivatives(kl_checker *checker, size_t NH, size_t HS) {
  static const size_t lengths[] = {1, 4, 2};
  kl_case forward = forward_case(checker, lengths, 3, NH, HS), backward = backward_case(checker, &forward);
  const float *dout = backward.arrays[7].host;
  kl_derivative_check(checker, (kl_derivative){&forward, &backward, 0, 2, 5, dout, NULL});
  kl_derivative_check(checker, (kl_derivative){&forward, &backward, 0, 3, 6, dout, is_value});
  kl_case_free(&forward);
  kl_case_free(&backward);
}

// size: S, T, NH, HS
static void run_tree(const kl_table *t, kl_stream *s, void **a, const kl_case *c) {
  t->attention_tree(s, a[0], a[1], a[2], a[3], a[4], a[5], c->size[0], c->size[1], c->size[2], c->size[3]);
}

static void check_tree(kl_checker *checker, const size_t *lengths, size_t S, size_t NH, size_t HS) {
  kl_case one = forward_case(checker, lengths, S, NH, HS);
  one.op = "attention_tree";
  one.run = run_tree;
  size_t T = one.size[1];
  const int32_t *offsets = one.arrays[4].host;
  int32_t *ends = kl_case_integers(checker, &one, "ends", T, 0, 1);
  for (size_t s = 0; s < S; s++) {
    // Each row ends inside the stretch of the row before, or closes some of the open ones.
    int32_t open[1024];
    size_t depth = 0;
    for (int32_t i = offsets[s]; i < offsets[s + 1]; i++) {
      while (depth > 0 && open[depth - 1] <= i) depth--;
      int32_t limit = depth > 0 ? open[depth - 1] : offsets[s + 1];
      double share = kl_random(checker);
      ends[i] = share < 0.5 ? limit : i + 1 + (int32_t)(share * kl_random(checker) * (limit - i - 1));
      open[depth++] = ends[i];
    }
  }
  kl_case_check(checker, &one);
}

// size: B, rows of the caches, NH, HS
static void run_decode(const kl_table *t, kl_stream *s, void **a, const kl_case *c) {
  t->attention_decode(s, a[0], a[1], a[2], a[3], a[4], a[5], a[6], c->size[0], c->size[2], c->size[3]);
}

static void check_decode(kl_checker *checker, size_t NH, size_t HS) {
  static const size_t lengths[] = {1, 2, 8, 0, 16, 17, 34, 65, 101, 150};
  size_t B = sizeof lengths / sizeof *lengths, rows = 200, T = 0, C = NH * HS;
  for (size_t b = 0; b < B; b++) T += lengths[b];
  kl_case one = {.op = "attention_decode", .run = run_decode, .size = {B, rows, NH, HS}};
  kl_case_floats(checker, &one, "out", B * C);
  kl_case_floats(checker, &one, "key_cache", rows * C);
  kl_case_floats(checker, &one, "value_cache", rows * C);
  kl_case_floats(checker, &one, "qk", B * 2 * C);
  kl_case_floats(checker, &one, "qkv", B * 3 * C);
  // Paths share what they come from; the row that each ends with is its own.
  int32_t *paths = kl_case_integers(checker, &one, "paths", T, 0, (int)(rows - B));
  int32_t *offsets = kl_case_integers(checker, &one, "offsets", B + 1, 0, 1);
  for (size_t b = 0; b < B; b++) {
    offsets[b + 1] = offsets[b] + (int32_t)lengths[b];
    if (lengths[b] > 0) paths[offsets[b + 1] - 1] = (int32_t)(rows - B + b);
  }
  kl_case_check(checker, &one);
}

void kl_check_attention(kl_checker *checker) {
  static const size_t lengths[] = {1, 2, 9, 31, 64, 100, 1, 49, 129, 17, 33, 16, 8, 15, 0, 48};
  static const size_t heads[][2] = {{1, 2},  {3, 4},  {2, 8},  {4, 16}, {3, 18},
                                    {2, 20}, {1, 32}, {2, 33}, {1, 64}, {1, 260}};
  for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
    check_sequences(checker, lengths, sizeof lengths / sizeof *lengths, heads[i][0], heads[i][1]);
    check_tree(checker, lengths, sizeof lengths / sizeof *lengths, heads[i][0], heads[i][1]);
    check_decode(checker, heads[i][0], heads[i][1]);
  }
  // Long enough for blocks of queries by matrix products.
  static const size_t long_lengths[] = {3, 530, 513};
  check_sequences(checker, long_lengths, 3, 2, 10);
  check_derivatives(checker, 2, 6);
  check_derivatives(checker, 1, 18);
}
