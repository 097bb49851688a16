// Reference: everything over rows of logits.
#include <math.h>

#include "internal.h"

// Largest value (NaN is passed over: it comes back through the sum) and log-sum-exp of logits * beta.
static double log_sum_exp(const float *logits, double beta, size_t V, double *largest) {
  double top = -INFINITY, sum = 0;
  for (size_t v = 0; v < V; v++) top = fmax(top, logits[v] * beta);
  for (size_t v = 0; v < V; v++) sum += exp(logits[v] * beta - top);
  *largest = top;
  return top + log(sum);
}

static void cross_entropy(kl_stream *stream, float *losses, float *logits, const int32_t *targets, float scale,
                          float z_loss, size_t T, size_t V) {
  (void)stream;
  for (size_t t = 0; t < T; t++) {
    float *row = logits + t * V;
    if (targets[t] < 0) {
      losses[t] = 0;
      for (size_t v = 0; v < V; v++) row[v] = 0;
      continue;
    }
    double largest, lse = log_sum_exp(row, 1, V, &largest);
    losses[t] = (float)(lse - row[targets[t]]);
    for (size_t v = 0; v < V; v++) {
      double p = exp(row[v] - lse), hit = (int32_t)v == targets[t] ? 1 : 0;
      row[v] = (float)(scale * (p - hit) + scale * z_loss * 2 * lse * p);
    }
  }
}

static void log_probability(kl_stream *stream, float *out, const float *logits, const int32_t *rows,
                            const int32_t *targets, float inverse_temperature, size_t T, size_t V) {
  (void)stream;
  for (size_t t = 0; t < T; t++) {
    const float *row = logits + (rows ? (size_t)rows[t] : t) * V;
    double largest;
    out[t] = targets[t] < 0 ? 0
                            : (float)((double)row[targets[t]] * inverse_temperature -
                                      log_sum_exp(row, inverse_temperature, V, &largest));
  }
}

static void softmax_summary(kl_stream *stream, float *entropy, float *max_probability, const float *logits, size_t T,
                            size_t V) {
  (void)stream;
  for (size_t t = 0; t < T; t++) {
    const float *row = logits + t * V;
    double largest, lse = log_sum_exp(row, 1, V, &largest), sum = 0;
    for (size_t v = 0; v < V; v++) {
      double p = exp(row[v] - lse);
      if (p != 0) sum -= p * (row[v] - lse);  // 0 log 0 = 0
    }
    entropy[t] = (float)sum;
    max_probability[t] = (float)exp(largest - lse);
  }
}

static size_t first_largest(const float *row, size_t V) {
  size_t best = 0;
  for (size_t v = 1; v < V; v++) {
    if (row[v] > row[best]) best = v;
  }
  return best;
}

// First token whose cumulative probability exceeds `uniform`; the last possible one if rounding leaves none.
static size_t draw(const float *row, double beta, double uniform, size_t V) {
  double largest, lse = log_sum_exp(row, beta, V, &largest), cumulative = 0;
  size_t last = 0;
  for (size_t v = 0; v < V; v++) {
    double p = exp(row[v] * beta - lse);
    cumulative += p;
    if (p > 0) last = v;
    if (cumulative > uniform) return v;
  }
  return last;
}

static void sample(kl_stream *stream, int32_t *tokens, float *log_probability, const float *logits,
                   const int32_t *rows, const float *uniforms, float inverse_temperature, size_t T, size_t V) {
  (void)stream;
  for (size_t t = 0; t < T; t++) {
    const float *row = logits + (rows ? (size_t)rows[t] : t) * V;
    size_t token = isinf(inverse_temperature) ? first_largest(row, V) : draw(row, inverse_temperature, uniforms[t], V);
    double largest;
    tokens[t] = (int32_t)token;
    log_probability[t] = (float)(row[token] - log_sum_exp(row, 1, V, &largest));
  }
}

void kl_reference_losses(kl_table *table) {
  table->cross_entropy = cross_entropy;
  table->log_probability = log_probability;
  table->softmax_summary = softmax_summary;
  table->sample = sample;
}
