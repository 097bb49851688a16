// Vectors of 8 floats. Included once, inside avx2.c.
#pragma once
#include <immintrin.h>

#define W 8
typedef __m256 vf;
typedef __m256 vm;  // all bits of a lane set or clear
#define INLINE static inline __attribute__((always_inline))

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)

INLINE __m256i v_lane(void) { return _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7); }
INLINE vm v_first(size_t n) {  // lanes 0 ..< n
  return _mm256_castsi256_ps(_mm256_cmpgt_epi32(_mm256_set1_epi32(n >= W ? W : (int)n), v_lane()));
}
INLINE vm v_from(size_t n) {  // lanes n ..< W
  return _mm256_castsi256_ps(_mm256_cmpgt_epi32(v_lane(), _mm256_set1_epi32(n >= W ? W : (int)n - 1)));
}
INLINE vf v_load(const float *p) { return _mm256_loadu_ps(p); }
INLINE vf v_load_lanes(vm m, const float *p) { return _mm256_maskload_ps(p, _mm256_castps_si256(m)); }
INLINE void v_store(float *p, vf x) { _mm256_storeu_ps(p, x); }
INLINE void v_store_lanes(vm m, float *p, vf x) { _mm256_maskstore_ps(p, _mm256_castps_si256(m), x); }
INLINE vf v_set(float x) { return _mm256_set1_ps(x); }
INLINE vf v_zero(void) { return _mm256_setzero_ps(); }
INLINE vf v_add(vf a, vf b) { return _mm256_add_ps(a, b); }
INLINE vf v_sub(vf a, vf b) { return _mm256_sub_ps(a, b); }
INLINE vf v_mul(vf a, vf b) { return _mm256_mul_ps(a, b); }
INLINE vf v_div(vf a, vf b) { return _mm256_div_ps(a, b); }
INLINE vf v_sqrt(vf a) { return _mm256_sqrt_ps(a); }
INLINE vf v_fma(vf a, vf b, vf c) { return _mm256_fmadd_ps(a, b, c); }
INLINE vf v_fnma(vf a, vf b, vf c) { return _mm256_fnmadd_ps(a, b, c); }  // c - a * b
INLINE vf v_max(vf a, vf b) { return _mm256_max_ps(a, b); }               // b where either is NaN
INLINE vf v_min(vf a, vf b) { return _mm256_min_ps(a, b); }               // b where either is NaN
INLINE vm v_greater(vf a, vf b) { return _mm256_cmp_ps(a, b, _CMP_GT_OQ); }
INLINE vm v_equal(vf a, vf b) { return _mm256_cmp_ps(a, b, _CMP_EQ_OQ); }
INLINE vf v_select(vm m, vf yes, vf no) { return _mm256_blendv_ps(no, yes, m); }
INLINE unsigned v_bits(vm m) { return (unsigned)_mm256_movemask_ps(m); }
INLINE float v_sum(vf x) {
  __m128 s = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  s = _mm_add_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}
INLINE float v_largest(vf x) {
  __m128 s = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  s = _mm_max_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_max_ss(s, _mm_movehdup_ps(s)));
}
INLINE vf v_swap_halves(vf x, size_t half) {  // lane i takes i + half, lane i + half takes i
  __m256i h = _mm256_set1_epi32((int)half), low = _mm256_cmpgt_epi32(h, v_lane());
  __m256i up = _mm256_add_epi32(v_lane(), h), down = _mm256_sub_epi32(v_lane(), h);
  return _mm256_permutevar8x32_ps(x, _mm256_blendv_epi8(down, up, low));
}

INLINE vf v_reciprocal(vf x) { return v_div(v_set(1), x); }

// 2^n * p for whole n in [-126, 127], n being the low bits of `shifted`; 0 where x < -87.3 (so NaN passes).
INLINE vf v_scale_exp(vf p, vf shifted, vf n, vf x) {
  (void)n;
  __m256i power = _mm256_slli_epi32(_mm256_add_epi32(_mm256_castps_si256(shifted), _mm256_set1_epi32(127)), 23);
  return _mm256_and_ps(_mm256_mul_ps(p, _mm256_castsi256_ps(power)),
                       _mm256_cmp_ps(x, v_set(-87.3f), _CMP_NLT_UQ));
}

// x = m * 2^e with m in [sqrt(1/2), sqrt(2)), for normal positive x.
INLINE vf v_split(vf x, vf *exponent) {
  __m256i bits = _mm256_castps_si256(x);
  __m256i e = _mm256_srai_epi32(_mm256_sub_epi32(bits, _mm256_set1_epi32(0x3f3504f3)), 23);
  *exponent = _mm256_cvtepi32_ps(e);
  return _mm256_castsi256_ps(_mm256_sub_epi32(bits, _mm256_slli_epi32(e, 23)));
}

// Sum of squares in double: two accumulators of 4 lanes.
typedef struct { __m256d low, high; } vd;
INLINE vd vd_zero(void) { return (vd){_mm256_setzero_pd(), _mm256_setzero_pd()}; }
INLINE vd vd_add_squares(vd a, vf x) {
  __m256d low = _mm256_cvtps_pd(_mm256_castps256_ps128(x)), high = _mm256_cvtps_pd(_mm256_extractf128_ps(x, 1));
  return (vd){_mm256_fmadd_pd(low, low, a.low), _mm256_fmadd_pd(high, high, a.high)};
}
INLINE double vd_sum(vd a) {
  __m256d x = _mm256_add_pd(a.low, a.high);
  __m128d s = _mm_add_pd(_mm256_castpd256_pd128(x), _mm256_extractf128_pd(x, 1));
  return _mm_cvtsd_f64(_mm_add_sd(s, _mm_unpackhi_pd(s, s)));
}

// Transposes W x W values held in rows.
INLINE void v_transpose(vf r[W]) {
  vf t[W];
  for (int i = 0; i < W; i += 2) {
    t[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
    t[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
  }
  for (int i = 0; i < W; i += 4) {
    for (int k = 0; k < 2; k++) {
      r[i + 2 * k] = _mm256_shuffle_ps(t[i + k], t[i + k + 2], 0x44);
      r[i + 2 * k + 1] = _mm256_shuffle_ps(t[i + k], t[i + k + 2], 0xee);
    }
  }
  for (int k = 0; k < 4; k++) {
    vf low = r[k], high = r[k + 4];
    r[k] = _mm256_permute2f128_ps(low, high, 0x20);
    r[k + 4] = _mm256_permute2f128_ps(low, high, 0x31);
  }
}

#pragma clang attribute pop
