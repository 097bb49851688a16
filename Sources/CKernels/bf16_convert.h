// Conversion to bfloat16.
#pragma once
#include <stddef.h>
#include <stdint.h>

// 1 when this CPU has bfloat16 products.
int kl_has_bf16(void);
// Rounds to nearest, ties to even; NaN stays NaN.
void kl_to_bf16(uint16_t *out, const float *inp, size_t n);
