// Conversion to bfloat16: the upper half of a float's bits, rounded.
#include "bf16_convert.h"

#include <string.h>

static uint16_t rounded(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  if (x != x) return (uint16_t)(bits >> 16 | 0x40);
  return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

#if defined(__x86_64__)
#include <immintrin.h>

// Returns how many values it converted.
__attribute__((target("avx512f,avx512bw,avx512vl,avx512bf16"))) static size_t convert_vectors(uint16_t *out,
                                                                                             const float *inp,
                                                                                             size_t n) {
  size_t i = 0;
  for (; i + 32 <= n; i += 32) {
    __m512bh both = _mm512_cvtne2ps_pbh(_mm512_loadu_ps(inp + i + 16), _mm512_loadu_ps(inp + i));
    memcpy(out + i, &both, sizeof both);
  }
  return i;
}

int kl_has_bf16(void) { return __builtin_cpu_supports("avx512bf16") != 0; }
#else
static size_t convert_vectors(uint16_t *out, const float *inp, size_t n) {
  (void)out, (void)inp, (void)n;
  return 0;
}

int kl_has_bf16(void) { return 0; }
#endif

void kl_to_bf16(uint16_t *out, const float *inp, size_t n) {
  size_t i = kl_has_bf16() ? convert_vectors(out, inp, n) : 0;
  for (; i < n; i++) out[i] = rounded(inp[i]);
}
