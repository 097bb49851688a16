// Cases of the ops over rows of logits.
#include <math.h>

#include "check.h"

// size: T, V; scalar: scale and z_loss, or inverse temperature
static void run_cross_entropy(const kl_table *t, kl_stream *s, void **a, const kl_case *c) {
  t->cross_entropy(s, a[0], a[1], a[2], c->scalar[0], c->scalar[1], c->size[0], c->size[1]);
}
static void run_log_probability(const kl_table *t, kl_stream *s, void **a, const kl_case *c) {
  t->log_probability(s, a[0], a[1], c->flag ? a[3] : NULL, a[2], c->scalar[0], c->size[0], c->size[1]);
}
static void run_softmax_summary(const kl_table *t, kl_stream *s, void **a, const kl_case *c) {
  t->softmax_summary(s, a[0], a[2], a[1], c->size[0], c->size[1]);
}
static void run_sample(const kl_table *t, kl_stream *s, void **a, const kl_case *c) {
  t->sample(s, a[2], a[0], a[1], c->flag ? a[4] : NULL, a[3], c->scalar[0], c->size[0], c->size[1]);
}

// Array 0: losses; 1: logits, stretched; the caller adds the rest.
static kl_case logits_case(kl_checker *checker, const char *op, size_t T, size_t V, float stretch) {
  kl_case one = {.op = op, .size = {T, V}};
  kl_case_floats(checker, &one, "losses", T);
  float *logits = kl_case_floats(checker, &one, "logits", T * V);
  for (size_t i = 0; i < T * V; i++) logits[i] *= stretch;
  return one;
}

// Which rows of logits are meant, some of them several times; the op takes them where one.flag is set.
static const int32_t *add_rows(kl_checker *checker, kl_case *one, int listed) {
  one->flag = listed;
  int32_t *rows = kl_case_integers(checker, one, "rows", one->size[0], 0, (int)one->size[0]);
  for (size_t t = 1; t < one->size[0]; t += 2) rows[t] = rows[t - 1];
  return rows;
}

static void check_targets(kl_checker *checker, size_t T, size_t V, float stretch) {
  for (int z = 0; z < 2; z++) {
    kl_case one = logits_case(checker, "cross_entropy", T, V, stretch);
    one.run = run_cross_entropy;
    one.scalar[0] = 0.25f;
    one.scalar[1] = z ? 1e-2f : 0;
    kl_case_integers(checker, &one, "targets", T, -1, (int)V);
    kl_case_check(checker, &one);
  }
  static const float temperatures[] = {1, 2.5f, 0.5f};
  for (int k = 0; k < 6; k++) {
    kl_case one = logits_case(checker, "log_probability", T, V, stretch);
    one.run = run_log_probability;
    one.scalar[0] = temperatures[k % 3];
    kl_case_integers(checker, &one, "targets", T, -1, (int)V);
    add_rows(checker, &one, k >= 3);
    kl_case_check(checker, &one);
  }
  kl_case one = logits_case(checker, "softmax_summary", T, V, stretch);
  one.run = run_softmax_summary;
  kl_case_floats(checker, &one, "max_probability", T);
  kl_case_check(checker, &one);
}

// A uniform in the middle of some token's share, so that rounding cannot decide the draw.
static float middle_of_share(kl_checker *checker, const float *row, double beta, size_t V) {
  double top = -INFINITY, total = 0, cumulative = 0, uniform = kl_random(checker), best = 0, middle = 0;
  for (size_t v = 0; v < V; v++) top = fmax(top, row[v] * beta);
  for (size_t v = 0; v < V; v++) total += exp(row[v] * beta - top);
  for (size_t v = 0; v < V; v++) {
    double share = exp(row[v] * beta - top) / total;
    if (share > best) best = share, middle = cumulative + share / 2;  // kept when no share is wide enough
    if (share > 1e-4 && cumulative + share > uniform) return (float)(cumulative + share / 2);
    cumulative += share;
  }
  return (float)middle;
}

static void check_sample(kl_checker *checker, size_t T, size_t V, float inverse_temperature, int listed) {
  kl_case one = logits_case(checker, "sample", T, V, 3);
  one.run = run_sample;
  one.scalar[0] = inverse_temperature;
  const float *logits = one.arrays[1].host;
  kl_case_integers(checker, &one, "tokens", T, 0, 9);
  float *uniforms = kl_case_zeros(checker, &one, "uniforms", T);
  const int32_t *rows = add_rows(checker, &one, listed);
  for (size_t t = 0; t < T && isfinite(inverse_temperature); t++) {
    size_t row = listed ? (size_t)rows[t] : t;
    uniforms[t] = middle_of_share(checker, logits + row * V, inverse_temperature, V);
  }
  kl_case_check(checker, &one);
}

// The objective in double: scale * (cross-entropy + z_loss * lse^2).
static double objective(const double *row, size_t V, size_t target, double scale, double z_loss) {
  double sum = 0;
  for (size_t v = 0; v < V; v++) sum += exp(row[v]);
  double lse = log(sum);
  return scale * (lse - row[target] + z_loss * lse * lse);
}

static void check_loss_derivative(kl_checker *checker, const kl_table *table, kl_stream *stream) {
  enum { rows = 3, width = 21 };
  kl_case one = logits_case(checker, "cross_entropy gradient", rows, width, 1);
  one.run = run_cross_entropy;
  one.scalar[0] = 0.5f;
  one.scalar[1] = 0.03125f;
  int32_t *targets = kl_case_integers(checker, &one, "targets", rows, 0, width);
  void *results[KL_CASE_ARRAYS];
  kl_case_run(table, stream, &one, results);
  const float *logits = one.arrays[1].host, *gradient = results[1];
  for (size_t i = 0; i < rows * width; i++) {
    double row[width], sides[2];
    for (int side = 0; side < 2; side++) {
      for (size_t v = 0; v < width; v++) row[v] = logits[i / width * width + v];
      row[i % width] += side ? 1e-5 : -1e-5;
      sides[side] = objective(row, width, (size_t)targets[i / width], 0.5, 0.03125);
    }
    double want = (sides[1] - sides[0]) / 2e-5;
    if (!(fabs(gradient[i] - want) <= 1e-6)) kl_check_failed(checker, &one, "logits", i, gradient[i], want);
  }
  kl_results_free(&one, results);
  kl_case_free(&one);
}

// Rows holding NaN, infinities or nothing but -infinity: the loss shows it; a skipped row stays zero.
static void check_unusual(kl_checker *checker) {
  size_t T = 6, V = 37;
  kl_case one = logits_case(checker, "cross_entropy", T, V, 1);
  one.run = run_cross_entropy;
  one.scalar[0] = 1;
  float *logits = one.arrays[1].host;
  int32_t *targets = kl_case_integers(checker, &one, "targets", T, 3, 4);
  logits[0 * V + 20] = NAN;
  logits[1 * V + 36] = INFINITY;
  logits[2 * V + 5] = -INFINITY;
  logits[3 * V + 3] = -INFINITY;  // the target: infinite loss
  logits[4 * V + 1] = NAN;
  targets[4] = -1;
  for (size_t v = 0; v < V; v++) logits[5 * V + v] = -INFINITY;
  kl_case_check(checker, &one);
}

// The exponential's relative error: of two logits, 0 and x, the second has the share exp(x) / (1 + exp(x)).
static void check_exponential(kl_checker *checker) {
  size_t T = 1031;
  kl_case one = logits_case(checker, "cross_entropy exponential", T, 2, 0);
  one.run = run_cross_entropy;
  one.scalar[0] = 1;
  float *logits = one.arrays[1].host;
  for (size_t t = 0; t < T; t++) logits[2 * t + 1] = -86.5f * (float)t / (float)T;
  kl_case_integers(checker, &one, "targets", T, 0, 1);
  void *results[KL_CASE_ARRAYS];
  kl_case_run(checker->table, checker->table_stream, &one, results);
  const float *shares = results[1];
  for (size_t t = 0; t < T; t++) {
    double e = exp(logits[2 * t + 1]), want = e / (1 + e);
    if (!(fabs(shares[2 * t + 1] - want) <= 4e-7 * want)) {
      kl_check_failed(checker, &one, "logits", 2 * t + 1, shares[2 * t + 1], want);
    }
  }
  kl_results_free(&one, results);
  kl_case_free(&one);
}

void kl_check_losses(kl_checker *checker) {
  static const size_t widths[] = {1, 7, 8, 9, 15, 16, 17, 33, 64, 100, 301, 1000};
  for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
    check_targets(checker, 7, widths[i], 1);
    check_targets(checker, 7, widths[i], 40);
    for (int listed = 0; listed < 2; listed++) {
      check_sample(checker, 9, widths[i], 1, listed);
      check_sample(checker, 9, widths[i], 0.25f, listed);
      check_sample(checker, 9, widths[i], 4, listed);
      check_sample(checker, 9, widths[i], INFINITY, listed);
    }
  }
  check_loss_derivative(checker, checker->table, checker->table_stream);
  check_loss_derivative(checker, checker->reference, checker->reference_stream);
  check_exponential(checker);
  check_unusual(checker);
}
