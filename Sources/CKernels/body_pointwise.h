// Vector kernels over elements; the vectors are those of the including file.

static void swiglu_forward(kl_stream *stream, float *out, const float *gate_up, size_t T, size_t FF) {
  (void)stream;
  for (size_t t = 0; t < T; t++) {
    const float *gate = gate_up + t * 2 * FF, *up = gate + FF;
    float *row = out + t * FF;
    EACH_VECTOR(i, FF, {
      vf g = LOAD(gate + i);
      STORE(row + i, v_mul(v_mul(g, v_sigmoid(g)), LOAD(up + i)));
    });
  }
}

static void swiglu_backward(kl_stream *stream, float *dgate_up, const float *dout, const float *gate_up, size_t T,
                            size_t FF) {
  (void)stream;
  for (size_t t = 0; t < T; t++) {
    const float *gate = gate_up + t * 2 * FF, *up = gate + FF, *d = dout + t * FF;
    float *dgate = dgate_up + t * 2 * FF, *dup = dgate + FF;
    EACH_VECTOR(i, FF, {
      vf g = LOAD(gate + i), s = v_sigmoid(g), silu = v_mul(g, s), dy = LOAD(d + i);
      // silu'(g) = s + g s (1 - s)
      vf slope = v_fma(silu, v_sub(v_set(1), s), s);
      STORE(dgate + i, v_mul(v_mul(dy, LOAD(up + i)), slope));
      STORE(dup + i, v_mul(dy, silu));
    });
  }
}

// tanh form: 0.5 (1 + tanh u) = sigmoid(2u), u = sqrt(2 / pi) (x + 0.044715 x^3).
#define GELU_SLOPE 1.5957691216057308f
#define GELU_CUBIC 0.044715f

INLINE vf gelu_sigmoid(vf x, vf square) {
  return v_sigmoid(v_mul(v_mul(v_set(GELU_SLOPE), x), v_fma(v_set(GELU_CUBIC), square, v_set(1))));
}

static void gelu_forward(kl_stream *stream, float *out, const float *inp, size_t n) {
  (void)stream;
  EACH_VECTOR(i, n, {
    vf x = LOAD(inp + i);
    STORE(out + i, v_mul(x, gelu_sigmoid(x, v_mul(x, x))));
  });
}

static void gelu_backward(kl_stream *stream, float *dinp, const float *dout, const float *inp, size_t n) {
  (void)stream;
  EACH_VECTOR(i, n, {
    vf x = LOAD(inp + i), square = v_mul(x, x), s = gelu_sigmoid(x, square);
    vf du = v_fma(v_set(3 * GELU_SLOPE * GELU_CUBIC), square, v_set(GELU_SLOPE));
    vf slope = v_fma(v_mul(v_mul(x, s), v_sub(v_set(1), s)), du, s);
    STORE(dinp + i, v_mul(LOAD(dout + i), slope));
  });
}

static void relu_forward(kl_stream *stream, float *out, const float *inp, size_t n) {
  (void)stream;
  EACH_VECTOR(i, n, { STORE(out + i, v_max(v_zero(), LOAD(inp + i))); });
}

static void relu_backward(kl_stream *stream, float *dinp, const float *dout, const float *inp, size_t n) {
  (void)stream;
  EACH_VECTOR(i, n, {
    STORE(dinp + i, v_select(v_greater(LOAD(inp + i), v_zero()), LOAD(dout + i), v_zero()));
  });
}

static void add(kl_stream *stream, float *out, const float *a, const float *b, size_t n) {
  (void)stream;
  EACH_VECTOR(i, n, { STORE(out + i, v_add(LOAD(a + i), LOAD(b + i))); });
}

static void bias_forward(kl_stream *stream, float *out, const float *bias, size_t T, size_t N) {
  for (size_t t = 0; t < T; t++) add(stream, out + t * N, out + t * N, bias, N);
}

static void bias_backward(kl_stream *stream, float *dbias, const float *dout, size_t T, size_t N) {
  (void)stream;
  EACH_VECTOR(i, N, {
    // Four sums in fixed places, so that additions need not wait for each other.
    vf sum[4] = {v_zero(), v_zero(), v_zero(), v_zero()};
    size_t t = 0;
    for (; t + 4 <= T; t += 4) {
      for (size_t k = 0; k < 4; k++) sum[k] = v_add(sum[k], LOAD(dout + (t + k) * N + i));
    }
    for (; t < T; t++) sum[0] = v_add(sum[0], LOAD(dout + t * N + i));
    STORE(dbias + i, v_add(LOAD(dbias + i), v_add(v_add(sum[0], sum[1]), v_add(sum[2], sum[3]))));
  });
}

static void embedding_forward(kl_stream *stream, float *out, const int32_t *ids, const float *table, size_t T,
                              size_t C) {
  (void)stream;
  for (size_t t = 0; t < T; t++) {
    const float *row = table + (size_t)ids[t] * C;
    EACH_VECTOR(i, C, { STORE(out + t * C + i, LOAD(row + i)); });
  }
}

static void embedding_backward(kl_stream *stream, float *dtable, const int32_t *ids, const float *dout, size_t T,
                               size_t C) {
  for (size_t t = 0; t < T; t++) {
    float *row = dtable + (size_t)ids[t] * C;
    add(stream, row, row, dout + t * C, C);
  }
}

static void sum_lanes(kl_stream *stream, float *out, const float *const *lanes, size_t lane_count, size_t n) {
  (void)stream;
  EACH_VECTOR(i, n, {
    vf sum = lane_count ? LOAD(lanes[0] + i) : v_zero();
    for (size_t l = 1; l < lane_count; l++) sum = v_add(sum, LOAD(lanes[l] + i));
    STORE(out + i, sum);
  });
}

static double sum_of_squares(kl_stream *stream, const float *values, size_t n) {
  (void)stream;
  vd a = vd_zero(), b = vd_zero();
  size_t i = 0;
  for (; i + 2 * W <= n; i += 2 * W) {
    a = vd_add_squares(a, v_load(values + i));
    b = vd_add_squares(b, v_load(values + i + W));
  }
  EACH_VECTOR(k, n - i, { a = vd_add_squares(a, LOAD(values + i + k)); });
  return vd_sum(a) + vd_sum(b);
}

// 0 for values too small to matter. Moments of rows that are seldom met decay to subnormal numbers and stay there,
// and arithmetic on those is many times slower.
INLINE vf flushed(vf x, float least) {
  vf magnitude = v_max(x, v_sub(v_zero(), x));
  return v_select(v_greater(v_set(least), magnitude), v_zero(), x);
}

static void adamw(kl_stream *stream, float *param, float *first, float *second, const float *gradient, kl_adamw s,
                  size_t n) {
  (void)stream;
  const vf scale = v_set(s.gradient_scale), beta1 = v_set(1 - s.beta1), beta2 = v_set(1 - s.beta2);
  const vf rate = v_set(s.learning_rate / s.correction1), epsilon = v_set(s.epsilon);
  const vf root = v_set(1 / s.correction2), decay = v_set(s.learning_rate * s.weight_decay);
  EACH_VECTOR(i, n, {
    vf g = flushed(v_mul(LOAD(gradient + i), scale), 1e-15f), m = LOAD(first + i), v = LOAD(second + i);
    vf p = LOAD(param + i);
    m = flushed(v_fma(beta1, v_sub(g, m), m), 1e-30f);
    v = flushed(v_fma(beta2, v_sub(v_mul(g, g), v), v), 1e-30f);
    vf step = v_div(v_mul(rate, m), v_add(v_sqrt(v_mul(v, root)), epsilon));
    STORE(first + i, m);
    STORE(second + i, v);
    STORE(param + i, v_sub(v_fnma(decay, p, p), step));
  });
}

static void adam_atan2(kl_stream *stream, float *param, float *first, float *second, const float *gradient,
                       kl_adam_atan2 s, size_t n) {
  (void)stream;
  const vf scale = v_set(s.gradient_scale), beta1 = v_set(1 - s.beta1), beta2 = v_set(1 - s.beta2);
  const vf mean = v_set(1 / s.correction1), root = v_set(1 / s.correction2), ratio = v_set(s.ratio);
  const vf rate = v_set(s.learning_rate * s.scale), decay = v_set(s.learning_rate * s.weight_decay);
  EACH_VECTOR(i, n, {
    vf g = flushed(v_mul(LOAD(gradient + i), scale), 1e-17f), m = LOAD(first + i), v = LOAD(second + i);
    vf p = LOAD(param + i);
    m = flushed(v_fma(beta1, v_sub(g, m), m), 1e-30f);
    v = flushed(v_fma(beta2, v_sub(v_mul(g, g), v), v), 1e-37f);
    vf angle = v_atan2(v_mul(m, mean), v_mul(ratio, v_sqrt(v_mul(v, root))));
    STORE(first + i, m);
    STORE(second + i, v);
    // No step where v is 0: m may outlast it, and the angle would jump to a right one.
    vf step = v_select(v_equal(v, v_zero()), v_zero(), v_mul(rate, angle));
    STORE(param + i, v_sub(v_fnma(decay, p, p), step));
  });
}

static void fill_pointwise(kl_table *table) {
  table->swiglu_forward = swiglu_forward;
  table->swiglu_backward = swiglu_backward;
  table->gelu_forward = gelu_forward;
  table->gelu_backward = gelu_backward;
  table->relu_forward = relu_forward;
  table->relu_backward = relu_backward;
  table->add = add;
  table->bias_forward = bias_forward;
  table->bias_backward = bias_backward;
  table->embedding_forward = embedding_forward;
  table->embedding_backward = embedding_backward;
  table->sum_lanes = sum_lanes;
  table->sum_of_squares = sum_of_squares;
  table->adamw = adamw;
  table->adam_atan2 = adam_atan2;
}
