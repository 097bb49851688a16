// Vector RMS norm; the vectors are those of the including file.

static void rms_norm_forward(kl_stream *stream, float *out, float *sum, float *rstd, const float *inp,
                             const float *delta, const float *weight, float epsilon, size_t T, size_t C) {
  (void)stream;
  for (size_t t = 0; t < T; t++) {
    const float *x = inp + t * C;
    vf squares = v_zero();
    if (delta) {
      float *added = sum + t * C;
      EACH_VECTOR(i, C, {
        vf value = v_add(LOAD(x + i), LOAD(delta + t * C + i));
        STORE(added + i, value);
        squares = v_fma(value, value, squares);
      });
      x = added;
    } else {
      EACH_VECTOR(i, C, {
        vf value = LOAD(x + i);
        squares = v_fma(value, value, squares);
      });
      if (sum && sum != inp) memcpy(sum + t * C, x, C * sizeof(float));
    }
    rstd[t] = 1 / sqrtf(v_sum(squares) / (float)C + epsilon);
    const vf scale = v_set(rstd[t]);
    EACH_VECTOR(i, C, { STORE(out + t * C + i, v_mul(v_mul(LOAD(x + i), scale), LOAD(weight + i))); });
  }
}

static void rms_norm_backward(kl_stream *stream, float *dsum, float *dweight, const float *dout, const float *sum,
                              const float *rstd, const float *weight, size_t T, size_t C) {
  (void)stream;
  for (size_t t = 0; t < T; t++) {
    const float *d = dout + t * C, *x = sum + t * C;
    float *dx = dsum + t * C;
    vf dot = v_zero();
    EACH_VECTOR(i, C, { dot = v_fma(v_mul(LOAD(d + i), LOAD(weight + i)), LOAD(x + i), dot); });
    const vf scale = v_set(rstd[t]);
    const vf pull = v_set(v_sum(dot) * rstd[t] * rstd[t] / (float)C);
    EACH_VECTOR(i, C, {
      vf dy = LOAD(d + i), value = LOAD(x + i);
      vf dnormalised = v_fnma(value, pull, v_mul(dy, LOAD(weight + i)));
      STORE(dx + i, v_fma(scale, dnormalised, LOAD(dx + i)));
      STORE(dweight + i, v_fma(dy, v_mul(value, scale), LOAD(dweight + i)));
    });
  }
}

static void fill_norms(kl_table *table) {
  table->rms_norm_forward = rms_norm_forward;
  table->rms_norm_backward = rms_norm_backward;
}
