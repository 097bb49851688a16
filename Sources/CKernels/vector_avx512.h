// Vectors of 16 floats, for avx512.c and bf16_tiles.c.
#pragma once
#include <immintrin.h>

#define W 16
typedef __m512 vf;
typedef __mmask16 vm;
#define INLINE static inline __attribute__((always_inline))

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx2,fma"))), \
                             apply_to = function)

INLINE vm v_first(size_t n) { return n >= W ? (vm)0xffff : (vm)((1u << n) - 1); }      // lanes 0 ..< n
INLINE vm v_from(size_t n) { return n >= W ? (vm)0 : (vm)(0xffffu << n); }             // lanes n ..< W
INLINE vf v_load(const float *p) { return _mm512_loadu_ps(p); }
INLINE vf v_load_lanes(vm m, const float *p) { return _mm512_maskz_loadu_ps(m, p); }   // 0 in other lanes
INLINE void v_store(float *p, vf x) { _mm512_storeu_ps(p, x); }
INLINE void v_store_lanes(vm m, float *p, vf x) { _mm512_mask_storeu_ps(p, m, x); }
INLINE vf v_set(float x) { return _mm512_set1_ps(x); }
INLINE vf v_zero(void) { return _mm512_setzero_ps(); }
INLINE vf v_add(vf a, vf b) { return _mm512_add_ps(a, b); }
INLINE vf v_sub(vf a, vf b) { return _mm512_sub_ps(a, b); }
INLINE vf v_mul(vf a, vf b) { return _mm512_mul_ps(a, b); }
INLINE vf v_div(vf a, vf b) { return _mm512_div_ps(a, b); }
INLINE vf v_sqrt(vf a) { return _mm512_sqrt_ps(a); }
INLINE vf v_fma(vf a, vf b, vf c) { return _mm512_fmadd_ps(a, b, c); }
INLINE vf v_fnma(vf a, vf b, vf c) { return _mm512_fnmadd_ps(a, b, c); }               // c - a * b
INLINE vf v_max(vf a, vf b) { return _mm512_max_ps(a, b); }                            // b where either is NaN
INLINE vf v_min(vf a, vf b) { return _mm512_min_ps(a, b); }                            // b where either is NaN
INLINE vm v_greater(vf a, vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ); }
INLINE vm v_equal(vf a, vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ); }
INLINE vf v_select(vm m, vf yes, vf no) { return _mm512_mask_blend_ps(m, no, yes); }
INLINE unsigned v_bits(vm m) { return m; }
INLINE float v_sum(vf x) { return _mm512_reduce_add_ps(x); }
INLINE float v_largest(vf x) { return _mm512_reduce_max_ps(x); }
INLINE vf v_swap_halves(vf x, size_t half) {  // lane i takes i + half, lane i + half takes i
  const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  __m512i h = _mm512_set1_epi32((int)half);
  __mmask16 low = _mm512_cmplt_epi32_mask(lane, h);
  return _mm512_permutexvar_ps(_mm512_mask_add_epi32(_mm512_sub_epi32(lane, h), low, lane, h), x);
}

// 1 / x for x in [1e-37, 1e37]: an estimate to 14 bits and one Newton step, within 2e-7 of x's own scale.
INLINE vf v_reciprocal(vf x) {
  vf r = _mm512_rcp14_ps(x);
  return v_fma(r, v_fnma(x, r, v_set(1)), r);
}

// 2^n * p for whole n in [-126, 127]; 0 where x < -87.3 (so NaN passes).
INLINE vf v_scale_exp(vf p, vf shifted, vf n, vf x) {
  (void)shifted;
  return _mm512_maskz_scalef_ps(_mm512_cmp_ps_mask(x, v_set(-87.3f), _CMP_NLT_UQ), p, n);
}

// x = m * 2^e with m in [sqrt(1/2), sqrt(2)), for normal positive x.
INLINE vf v_split(vf x, vf *exponent) {
  __m512i bits = _mm512_castps_si512(x);
  __m512i e = _mm512_srai_epi32(_mm512_sub_epi32(bits, _mm512_set1_epi32(0x3f3504f3)), 23);
  *exponent = _mm512_cvtepi32_ps(e);
  return _mm512_castsi512_ps(_mm512_sub_epi32(bits, _mm512_slli_epi32(e, 23)));
}

// Sum of squares in double: two accumulators of 8 lanes.
typedef struct { __m512d low, high; } vd;
INLINE vd vd_zero(void) { return (vd){_mm512_setzero_pd(), _mm512_setzero_pd()}; }
INLINE vd vd_add_squares(vd a, vf x) {
  __m512d low = _mm512_cvtps_pd(_mm512_castps512_ps256(x)), high = _mm512_cvtps_pd(_mm512_extractf32x8_ps(x, 1));
  return (vd){_mm512_fmadd_pd(low, low, a.low), _mm512_fmadd_pd(high, high, a.high)};
}
INLINE double vd_sum(vd a) { return _mm512_reduce_add_pd(_mm512_add_pd(a.low, a.high)); }

// Transposes W x W values held in rows.
INLINE void v_transpose(vf r[W]) {
  vf t[W];
  for (int i = 0; i < W; i += 2) {
    t[i] = _mm512_unpacklo_ps(r[i], r[i + 1]);
    t[i + 1] = _mm512_unpackhi_ps(r[i], r[i + 1]);
  }
  for (int i = 0; i < W; i += 4) {
    for (int k = 0; k < 2; k++) {
      __m512d a = _mm512_castps_pd(t[i + k]), b = _mm512_castps_pd(t[i + k + 2]);
      r[i + 2 * k] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, b));
      r[i + 2 * k + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, b));
    }
  }
  for (int k = 0; k < 4; k++) {
    t[k] = _mm512_shuffle_f32x4(r[k], r[k + 4], 0x88);
    t[k + 4] = _mm512_shuffle_f32x4(r[k], r[k + 4], 0xdd);
    t[k + 8] = _mm512_shuffle_f32x4(r[k + 8], r[k + 12], 0x88);
    t[k + 12] = _mm512_shuffle_f32x4(r[k + 8], r[k + 12], 0xdd);
  }
  for (int k = 0; k < 4; k++) {
    r[k] = _mm512_shuffle_f32x4(t[k], t[k + 8], 0x88);
    r[k + 8] = _mm512_shuffle_f32x4(t[k], t[k + 8], 0xdd);
    r[k + 4] = _mm512_shuffle_f32x4(t[k + 4], t[k + 12], 0x88);
    r[k + 12] = _mm512_shuffle_f32x4(t[k + 4], t[k + 12], 0xdd);
  }
}

#pragma clang attribute pop
