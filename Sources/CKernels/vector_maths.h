// Loops and functions over the vectors of the including file (vector_avx512.h or vector_avx2.h).

// Runs the block for i = 0, W, 2W, ... below n: whole vectors, then one masked tail. Inside the block LOAD and
// STORE touch only the lanes that exist; loaded lanes that do not are 0.
#define EACH_VECTOR(i, n, ...)                   \
  do {                                           \
    size_t i = 0;                                \
    for (; i + W <= (n); i += W) {               \
      const int whole_ = 1;                      \
      const vm lanes_ = v_first(W);              \
      (void)lanes_, (void)whole_;                \
      __VA_ARGS__                                \
    }                                            \
    if (i < (n)) {                               \
      const int whole_ = 0;                      \
      const vm lanes_ = v_first((n)-i);          \
      (void)lanes_, (void)whole_;                \
      __VA_ARGS__                                \
    }                                            \
  } while (0)
#define LOAD(p) v_load_some(whole_, lanes_, p)
#define STORE(p, x) v_store_some(whole_, lanes_, p, x)
#define OR_ELSE(x, other) (whole_ ? (x) : v_select(lanes_, x, other))

INLINE vf v_load_some(int whole, vm lanes, const float *p) { return whole ? v_load(p) : v_load_lanes(lanes, p); }
INLINE void v_store_some(int whole, vm lanes, float *p, vf x) {
  if (whole) {
    v_store(p, x);
  } else {
    v_store_lanes(lanes, p, x);
  }
}

// exp(x) for x <= 88, NaN and -infinity included: relative error below 2e-7, and 0 below -87.3.
// Cephes' polynomial after Cody and Waite's reduction by multiples of ln 2.
INLINE vf v_exp(vf x) {
  const vf magic = v_set(12582912.0f);  // 1.5 * 2^23: adding it rounds to a whole number
  vf shifted = v_fma(x, v_set(1.44269504088896341f), magic), n = v_sub(shifted, magic);
  vf r = v_fnma(n, v_set(-2.12194440e-4f), v_fnma(n, v_set(0.693359375f), x));
  vf p = v_fma(v_set(1.9875691500e-4f), r, v_set(1.3981999507e-3f));
  p = v_fma(p, r, v_set(8.3334519073e-3f));
  p = v_fma(p, r, v_set(4.1665795894e-2f));
  p = v_fma(p, r, v_set(1.6666665459e-1f));
  p = v_fma(p, r, v_set(5.0000001201e-1f));
  p = v_fma(p, v_mul(r, r), v_add(r, v_set(1)));
  return v_scale_exp(p, shifted, n, x);
}

// log(x) for normal positive x, NaN included: error below 2e-7 of max(1, |log x|). Cephes' polynomial.
INLINE vf v_log(vf x) {
  vf e, f = v_sub(v_split(x, &e), v_set(1)), z = v_mul(f, f);
  vf p = v_fma(v_set(7.0376836292e-2f), f, v_set(-1.1514610310e-1f));
  p = v_fma(p, f, v_set(1.1676998740e-1f));
  p = v_fma(p, f, v_set(-1.2420140846e-1f));
  p = v_fma(p, f, v_set(1.4249322787e-1f));
  p = v_fma(p, f, v_set(-1.6668057665e-1f));
  p = v_fma(p, f, v_set(2.0000714765e-1f));
  p = v_fma(p, f, v_set(-2.4999993993e-1f));
  p = v_fma(p, f, v_set(3.3333331174e-1f));
  vf y = v_fma(e, v_set(-2.12194440e-4f), v_mul(v_mul(f, z), p));
  vf result = v_fma(e, v_set(0.693359375f), v_add(f, v_fnma(v_set(0.5f), z, y)));
  return v_add(result, v_sub(x, x));  // NaN if x is
}

// 1 / (1 + exp(-x)).
INLINE vf v_sigmoid(vf x) {
  vf e = v_exp(v_min(v_set(87), v_sub(v_zero(), x)));
  return v_reciprocal(v_add(v_set(1), e));
}

// atan2(y, x) for finite y and x >= 0, 0 where both are 0, NaN where y is: error below 4e-7 of the result, which is
// within a right angle. Cephes' polynomial on [0, tan(pi/8)], beyond which atan(q) = pi/4 + atan((q - 1) / (q + 1)).
INLINE vf v_atan2(vf y, vf x) {
  vf height = v_max(y, v_sub(v_zero(), y));
  vm steep = v_greater(height, x);
  vf low = v_min(height, x), high = v_max(height, x);
  vm wide = v_greater(low, v_mul(v_set(0.414213562373095f), high));
  vf q = v_div(v_select(wide, v_sub(low, high), low), v_select(wide, v_add(low, high), high));
  vf z = v_mul(q, q);
  vf p = v_fma(v_set(8.05374449538e-2f), z, v_set(-1.38776856032e-1f));
  p = v_fma(p, z, v_set(1.99777106478e-1f));
  p = v_fma(p, z, v_set(-3.33329491539e-1f));
  vf angle = v_fma(v_mul(p, z), q, q);
  angle = v_select(wide, v_add(v_set(0.785398163397448f), angle), angle);
  angle = v_select(steep, v_sub(v_set(1.570796326794897f), angle), angle);
  angle = v_select(v_greater(high, v_zero()), angle, v_zero());
  angle = v_select(v_greater(v_zero(), y), v_sub(v_zero(), angle), angle);
  return v_add(angle, v_sub(y, y));  // NaN if y is
}
