// Vector rotary positions with the per-head norm; the vectors are those of the including file.

// Heads no wider than a vector are held whole: the rotated half comes by a permutation, and the angles of a
// token, laid out for both halves (with the sign in `sine`), serve all its heads.
typedef struct {
  vm lanes;
  vf cosine, sine;
} angles;

INLINE angles angles_of(const float *cosine, const float *sine, size_t half) {
  vm low = v_first(half), lanes = v_first(2 * half);
  vf c = v_load_lanes(low, cosine), s = v_load_lanes(low, sine);
  return (angles){lanes, v_add(c, v_swap_halves(c, half)), v_sub(v_swap_halves(s, half), s)};
}

static void narrow_rope_forward(float *out_qk, float *rstd, const float *qkv, const float *q_weight,
                                const float *k_weight, const float *cosines, const float *sines,
                                const int32_t *position, float epsilon, size_t T, size_t NH, size_t HS) {
  size_t C = NH * HS, half = HS / 2;
  const vm lanes = v_first(HS);
  const vf weights[2] = {q_weight ? v_load_lanes(lanes, q_weight) : v_set(1),
                         k_weight ? v_load_lanes(lanes, k_weight) : v_set(1)};
  for (size_t t = 0; t < T; t++) {
    angles a = angles_of(cosines + (size_t)position[t] * half, sines + (size_t)position[t] * half, half);
    for (size_t h = 0; h < 2 * NH; h++) {
      vf x = v_load_lanes(lanes, qkv + t * 3 * C + h * HS);
      if (q_weight) {
        float scale = 1 / sqrtf(v_sum(v_mul(x, x)) / (float)HS + epsilon);
        rstd[t * 2 * NH + h] = scale;
        x = v_mul(v_mul(x, v_set(scale)), weights[h >= NH]);
      }
      v_store_lanes(lanes, out_qk + t * 2 * C + h * HS,
                    v_fma(v_swap_halves(x, half), a.sine, v_mul(x, a.cosine)));
    }
  }
}

static void narrow_rope_backward(float *dqkv, float *dq_weight, float *dk_weight, const float *dout_qk,
                                 const float *qkv, const float *rstd, const float *q_weight, const float *k_weight,
                                 const float *cosines, const float *sines, const int32_t *position, size_t T,
                                 size_t NH, size_t HS) {
  size_t C = NH * HS, half = HS / 2;
  const vm lanes = v_first(HS);
  const vf weights[2] = {q_weight ? v_load_lanes(lanes, q_weight) : v_set(1),
                         k_weight ? v_load_lanes(lanes, k_weight) : v_set(1)};
  vf dweights[2] = {v_zero(), v_zero()};
  for (size_t t = 0; t < T; t++) {
    angles a = angles_of(cosines + (size_t)position[t] * half, sines + (size_t)position[t] * half, half);
    for (size_t h = 0; h < 2 * NH; h++) {
      vf d = v_load_lanes(lanes, dout_qk + t * 2 * C + h * HS);
      d = v_fnma(v_swap_halves(d, half), a.sine, v_mul(d, a.cosine));
      if (q_weight) {
        float scale = rstd[t * 2 * NH + h];
        vf normalised = v_mul(v_load_lanes(lanes, qkv + t * 3 * C + h * HS), v_set(scale));
        vf weighted = v_mul(d, normalised);
        dweights[h >= NH] = v_add(dweights[h >= NH], weighted);
        float pull = v_sum(v_mul(weighted, weights[h >= NH])) / (float)HS;
        d = v_mul(v_set(scale), v_fnma(normalised, v_set(pull), v_mul(d, weights[h >= NH])));
      }
      v_store_lanes(lanes, dqkv + t * 3 * C + h * HS, d);
    }
  }
  if (!q_weight) return;
  v_store_lanes(lanes, dq_weight, v_add(v_load_lanes(lanes, dq_weight), dweights[0]));
  v_store_lanes(lanes, dk_weight, v_add(v_load_lanes(lanes, dk_weight), dweights[1]));
}

// Heads of up to two vectors are held as their two halves.
static void pair_rope_forward(float *out_qk, float *rstd, const float *qkv, const float *q_weight,
                              const float *k_weight, const float *cosines, const float *sines,
                              const int32_t *position, float epsilon, size_t T, size_t NH, size_t HS) {
  size_t C = NH * HS, half = HS / 2;
  const vm lanes = v_first(half);
  for (size_t t = 0; t < T; t++) {
    const vf c = v_load_lanes(lanes, cosines + (size_t)position[t] * half);
    const vf s = v_load_lanes(lanes, sines + (size_t)position[t] * half);
    for (size_t h = 0; h < 2 * NH; h++) {
      const float *x = qkv + t * 3 * C + h * HS, *weight = h < NH ? q_weight : k_weight;
      float *out = out_qk + t * 2 * C + h * HS;
      vf a = v_load_lanes(lanes, x), b = v_load_lanes(lanes, x + half);
      if (q_weight) {
        float scale = 1 / sqrtf(v_sum(v_fma(a, a, v_mul(b, b))) / (float)HS + epsilon);
        rstd[t * 2 * NH + h] = scale;
        a = v_mul(v_mul(a, v_set(scale)), v_load_lanes(lanes, weight));
        b = v_mul(v_mul(b, v_set(scale)), v_load_lanes(lanes, weight + half));
      }
      v_store_lanes(lanes, out, v_fnma(b, s, v_mul(a, c)));
      v_store_lanes(lanes, out + half, v_fma(a, s, v_mul(b, c)));
    }
  }
}

static void pair_rope_backward(float *dqkv, float *dq_weight, float *dk_weight, const float *dout_qk,
                               const float *qkv, const float *rstd, const float *q_weight, const float *k_weight,
                               const float *cosines, const float *sines, const int32_t *position, size_t T,
                               size_t NH, size_t HS) {
  size_t C = NH * HS, half = HS / 2;
  const vm lanes = v_first(half);
  vf sums[2][2] = {{v_zero(), v_zero()}, {v_zero(), v_zero()}};  // of q and k, by half
  for (size_t t = 0; t < T; t++) {
    const vf c = v_load_lanes(lanes, cosines + (size_t)position[t] * half);
    const vf s = v_load_lanes(lanes, sines + (size_t)position[t] * half);
    for (size_t h = 0; h < 2 * NH; h++) {
      const float *x = qkv + t * 3 * C + h * HS, *d = dout_qk + t * 2 * C + h * HS;
      const float *weight = h < NH ? q_weight : k_weight;
      float *dx = dqkv + t * 3 * C + h * HS;
      vf da = v_load_lanes(lanes, d), db = v_load_lanes(lanes, d + half);
      vf a = v_fma(db, s, v_mul(da, c)), b = v_fnma(da, s, v_mul(db, c));
      if (q_weight) {
        const vf scale = v_set(rstd[t * 2 * NH + h]);
        vf na = v_mul(v_load_lanes(lanes, x), scale), nb = v_mul(v_load_lanes(lanes, x + half), scale);
        vf *sum = sums[h >= NH];
        sum[0] = v_fma(a, na, sum[0]);
        sum[1] = v_fma(b, nb, sum[1]);
        a = v_mul(a, v_load_lanes(lanes, weight));
        b = v_mul(b, v_load_lanes(lanes, weight + half));
        const vf pull = v_set(v_sum(v_fma(a, na, v_mul(b, nb))) / (float)HS);
        a = v_mul(scale, v_fnma(na, pull, a));
        b = v_mul(scale, v_fnma(nb, pull, b));
      }
      v_store_lanes(lanes, dx, a);
      v_store_lanes(lanes, dx + half, b);
    }
  }
  for (size_t side = 0; side < 2 && q_weight; side++) {
    float *first = side ? dk_weight : dq_weight, *second = first + half;
    v_store_lanes(lanes, first, v_add(v_load_lanes(lanes, first), sums[side][0]));
    v_store_lanes(lanes, second, v_add(v_load_lanes(lanes, second), sums[side][1]));
  }
}

static void qk_rope_forward(kl_stream *stream, float *out_qk, float *rstd, const float *qkv, const float *q_weight,
                            const float *k_weight, const float *cosines, const float *sines, const int32_t *position,
                            float epsilon, size_t T, size_t NH, size_t HS) {
  (void)stream;
  if (HS <= W) {
    narrow_rope_forward(out_qk, rstd, qkv, q_weight, k_weight, cosines, sines, position, epsilon, T, NH, HS);
    return;
  }
  if (HS <= 2 * W) {
    pair_rope_forward(out_qk, rstd, qkv, q_weight, k_weight, cosines, sines, position, epsilon, T, NH, HS);
    return;
  }
  size_t C = NH * HS, half = HS / 2;
  for (size_t t = 0; t < T; t++) {
    const float *cosine = cosines + (size_t)position[t] * half, *sine = sines + (size_t)position[t] * half;
    for (size_t h = 0; h < 2 * NH; h++) {
      const float *x = qkv + t * 3 * C + h * HS, *weight = h < NH ? q_weight : k_weight;
      float *out = out_qk + t * 2 * C + h * HS, scale = 1;
      if (q_weight) {
        vf squares = v_zero();
        EACH_VECTOR(i, HS, {
          vf value = LOAD(x + i);
          squares = v_fma(value, value, squares);
        });
        scale = 1 / sqrtf(v_sum(squares) / (float)HS + epsilon);
        rstd[t * 2 * NH + h] = scale;
      }
      EACH_VECTOR(i, half, {
        vf a = v_mul(LOAD(x + i), v_set(scale)), b = v_mul(LOAD(x + half + i), v_set(scale));
        if (q_weight) a = v_mul(a, LOAD(weight + i)), b = v_mul(b, LOAD(weight + half + i));
        vf c = LOAD(cosine + i), s = LOAD(sine + i);
        STORE(out + i, v_fnma(b, s, v_mul(a, c)));
        STORE(out + half + i, v_fma(a, s, v_mul(b, c)));
      });
    }
  }
}

// One head wider than a vector: turns d back into `dx`, then takes it through the norm unless weight is NULL.
INLINE void wide_rope_backward(float *dx, float *dweight, const float *d, const float *x, float scale,
                               const float *weight, const float *cosine, const float *sine, size_t half) {
  vf dot = v_zero();
  EACH_VECTOR(i, half, {
    vf da = LOAD(d + i), db = LOAD(d + half + i), c = LOAD(cosine + i), s = LOAD(sine + i);
    vf a = v_fma(db, s, v_mul(da, c)), b = v_fnma(da, s, v_mul(db, c));
    if (weight) {
      vf na = v_mul(LOAD(x + i), v_set(scale)), nb = v_mul(LOAD(x + half + i), v_set(scale));
      STORE(dweight + i, v_fma(a, na, LOAD(dweight + i)));
      STORE(dweight + half + i, v_fma(b, nb, LOAD(dweight + half + i)));
      a = v_mul(a, LOAD(weight + i)), b = v_mul(b, LOAD(weight + half + i));
      dot = v_fma(a, na, v_fma(b, nb, dot));
    }
    STORE(dx + i, a);
    STORE(dx + half + i, b);
  });
  if (!weight) return;
  const vf factor = v_set(scale), pull = v_set(v_sum(dot) * scale / (float)(2 * half));
  EACH_VECTOR(i, 2 * half, { STORE(dx + i, v_mul(factor, v_fnma(LOAD(x + i), pull, LOAD(dx + i)))); });
}

static void qk_rope_backward(kl_stream *stream, float *dqkv, float *dq_weight, float *dk_weight, const float *dout_qk,
                             const float *qkv, const float *rstd, const float *q_weight, const float *k_weight,
                             const float *cosines, const float *sines, const int32_t *position, size_t T, size_t NH,
                             size_t HS) {
  (void)stream;
  if (HS <= W) {
    narrow_rope_backward(dqkv, dq_weight, dk_weight, dout_qk, qkv, rstd, q_weight, k_weight, cosines, sines, position,
                         T, NH, HS);
    return;
  }
  if (HS <= 2 * W) {
    pair_rope_backward(dqkv, dq_weight, dk_weight, dout_qk, qkv, rstd, q_weight, k_weight, cosines, sines, position,
                       T, NH, HS);
    return;
  }
  size_t C = NH * HS, half = HS / 2;
  for (size_t t = 0; t < T; t++) {
    const float *cosine = cosines + (size_t)position[t] * half, *sine = sines + (size_t)position[t] * half;
    for (size_t h = 0; h < 2 * NH; h++) {
      int is_key = h >= NH;
      wide_rope_backward(dqkv + t * 3 * C + h * HS, is_key ? dk_weight : dq_weight, dout_qk + t * 2 * C + h * HS,
                         qkv + t * 3 * C + h * HS, q_weight ? rstd[t * 2 * NH + h] : 1,
                         q_weight ? (is_key ? k_weight : q_weight) : NULL, cosine, sine, half);
    }
  }
}

static void fill_rope(kl_table *table) {
  table->qk_rope_forward = qk_rope_forward;
  table->qk_rope_backward = qk_rope_backward;
}
