// Vector kernels over rows of logits; the vectors are those of the including file.
// A row of up to some thousand values stays in the first-level cache between the passes.

// Largest of the values; NaN is passed over (it comes back through the sum of exponentials).
INLINE float row_largest(const float *row, size_t n) {
  vf top[4];
  for (int k = 0; k < 4; k++) top[k] = v_set(-INFINITY);
  size_t i = 0;
  for (; i + 4 * W <= n; i += 4 * W) {
    for (int k = 0; k < 4; k++) top[k] = v_max(v_load(row + i + (size_t)k * W), top[k]);
  }
  EACH_VECTOR(j, n - i, { top[0] = v_max(OR_ELSE(LOAD(row + i + j), v_set(-INFINITY)), top[0]); });
  return v_largest(v_max(v_max(top[0], top[1]), v_max(top[2], top[3])));
}

// Sum of exp((x - top) * beta); the exponentials go to `kept` unless it is NULL.
INLINE float row_sum_exp(float *kept, const float *row, float top, float beta, size_t n) {
  const vf shift = v_set(top), factor = v_set(beta);
  vf sum[2] = {v_zero(), v_zero()};
  size_t i = 0;
  for (; i + 2 * W <= n; i += 2 * W) {
    for (size_t k = 0; k < 2; k++) {
      vf e = v_exp(v_mul(v_sub(v_load(row + i + k * W), shift), factor));
      if (kept) v_store(kept + i + k * W, e);
      sum[k] = v_add(sum[k], e);
    }
  }
  EACH_VECTOR(j, n - i, {
    vf e = OR_ELSE(v_exp(v_mul(v_sub(LOAD(row + i + j), shift), factor)), v_zero());
    if (kept) STORE(kept + i + j, e);
    sum[0] = v_add(sum[0], e);
  });
  return v_sum(v_add(sum[0], sum[1]));
}

static void cross_entropy(kl_stream *stream, float *losses, float *logits, const int32_t *targets, float scale,
                          float z_loss, size_t T, size_t V) {
  (void)stream;
  for (size_t t = 0; t < T; t++) {
    float *row = logits + t * V;
    if (targets[t] < 0) {
      losses[t] = 0;
      memset(row, 0, V * sizeof(float));
      continue;
    }
    float top = row_largest(row, V), hit = row[targets[t]];
    float sum = row_sum_exp(row, row, top, 1, V), log_sum = logf(sum);
    losses[t] = log_sum + (top - hit);
    // softmax (scale + scale z_loss 2 lse) - scale onehot
    const vf factor = v_set(scale * (1 + 2 * z_loss * (top + log_sum)) / sum);
    EACH_VECTOR(i, V, { STORE(row + i, v_mul(LOAD(row + i), factor)); });
    row[targets[t]] -= scale;
  }
}

static void log_probability(kl_stream *stream, float *out, const float *logits, const int32_t *rows,
                            const int32_t *targets, float inverse_temperature, size_t T, size_t V) {
  (void)stream;
  const float *known = NULL;
  float top = 0, log_sum = 0;
  for (size_t t = 0; t < T; t++) {
    const float *row = logits + (rows ? (size_t)rows[t] : t) * V;
    if (targets[t] < 0) {
      out[t] = 0;
      continue;
    }
    if (row != known) {
      known = row;
      top = row_largest(row, V);
      log_sum = logf(row_sum_exp(NULL, row, top, inverse_temperature, V));
    }
    out[t] = (row[targets[t]] - top) * inverse_temperature - log_sum;
  }
}

static void softmax_summary(kl_stream *stream, float *entropy, float *max_probability, const float *logits, size_t T,
                            size_t V) {
  (void)stream;
  for (size_t t = 0; t < T; t++) {
    const float *row = logits + t * V;
    float top = row_largest(row, V);
    const vf shift = v_set(top);
    vf sum = v_zero(), weighted = v_zero();  // of e, and of e (x - top)
    EACH_VECTOR(i, V, {
      vf x = v_sub(OR_ELSE(LOAD(row + i), v_set(-INFINITY)), shift), e = v_exp(x);
      sum = v_add(sum, e);
      weighted = v_add(weighted, v_select(v_equal(e, v_zero()), v_zero(), v_mul(e, x)));  // 0 log 0 = 0
    });
    float total = v_sum(sum);
    entropy[t] = logf(total) - v_sum(weighted) / total;
    max_probability[t] = 1 / total;
  }
}

// Position of the first value equal to `value`, 0 when there is none.
INLINE size_t first_equal(const float *row, float value, size_t n) {
  EACH_VECTOR(i, n, {
    unsigned equal = v_bits(v_equal(OR_ELSE(LOAD(row + i), v_set(NAN)), v_set(value)));
    if (equal) return i + (size_t)__builtin_ctz(equal);
  });
  return 0;
}

// First token whose cumulative weight exceeds `uniform` of `sum_of_all`; the last possible one if rounding leaves
// none.
INLINE size_t draw(const float *row, float top, float beta, float sum_of_all, float uniform, size_t V) {
  const size_t block = 4 * W;
  const vf shift = v_set(top), factor = v_set(beta);
  double threshold = (double)uniform * sum_of_all, cumulative = 0;
  for (size_t start = 0; start < V; start += block) {
    size_t count = V - start < block ? V - start : block;
    float weights[4 * W];
    vf sum = v_zero();
    EACH_VECTOR(i, count, {
      vf e = OR_ELSE(v_exp(v_mul(v_sub(LOAD(row + start + i), shift), factor)), v_zero());
      v_store(weights + i, e);
      sum = v_add(sum, e);
    });
    float total = v_sum(sum);
    // A little early, since this sum's order is not that of the walk.
    if (cumulative + 1.0001 * total > threshold) {
      double walk = cumulative;
      for (size_t k = 0; k < count; k++) {
        walk += weights[k];
        if (weights[k] > 0 && walk > threshold) return start + k;
      }
    }
    cumulative += total;
  }
  size_t last = V - 1;
  while (last > 0 && !((row[last] - top) * beta > -87)) last--;
  return last;
}

static void sample(kl_stream *stream, int32_t *tokens, float *log_probability, const float *logits,
                   const int32_t *rows, const float *uniforms, float inverse_temperature, size_t T, size_t V) {
  (void)stream;
  const float *known = NULL;
  const int is_greedy = isinf(inverse_temperature);
  float top = 0, sum = 0, log_sum = 0;  // sum at the temperature asked for, log_sum at 1
  for (size_t t = 0; t < T; t++) {
    const float *row = logits + (rows ? (size_t)rows[t] : t) * V;
    if (row != known) {
      known = row;
      top = row_largest(row, V);
      float plain = row_sum_exp(NULL, row, top, 1, V);
      log_sum = logf(plain);
      sum = is_greedy || inverse_temperature == 1 ? plain : row_sum_exp(NULL, row, top, inverse_temperature, V);
    }
    size_t token = is_greedy ? first_equal(row, top, V) : draw(row, top, inverse_temperature, sum, uniforms[t], V);
    tokens[t] = (int32_t)token;
    log_probability[t] = row[token] - top - log_sum;
  }
}

static void fill_losses(kl_table *table) {
  table->cross_entropy = cross_entropy;
  table->log_probability = log_probability;
  table->softmax_summary = softmax_summary;
  table->sample = sample;
}
