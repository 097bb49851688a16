// The vector kernels on AVX2 with FMA.
#if defined(__x86_64__)
#include <math.h>
#include <string.h>

#include "internal.h"
#include "vector_avx2.h"

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#include "vector_maths.h"
#include "body_attention.h"
#include "body_losses.h"
#include "body_norms.h"
#include "body_pointwise.h"
#include "body_rope.h"
#pragma clang attribute pop

int kl_avx2_fill(kl_table *table) {
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return 0;
  table->name = "cpu-avx2";
  fill_attention(table);
  fill_losses(table);
  fill_norms(table);
  fill_pointwise(table);
  fill_rope(table);
  return 1;
}
#endif
