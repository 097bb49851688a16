// The vector kernels on AVX-512.
#if defined(__x86_64__)
#include <math.h>
#include <string.h>

#include "internal.h"
#include "vector_avx512.h"

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx2,fma"))), \
                             apply_to = function)
#include "vector_maths.h"
#include "body_attention.h"
#include "body_losses.h"
#include "body_norms.h"
#include "body_pointwise.h"
#include "body_rope.h"
#pragma clang attribute pop

int kl_avx512_fill(kl_table *table) {
  if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw")) return 0;
  if (!__builtin_cpu_supports("avx512vl") || !__builtin_cpu_supports("avx512dq")) return 0;
  table->name = "cpu-avx512";
  fill_attention(table);
  fill_losses(table);
  fill_norms(table);
  fill_pointwise(table);
  fill_rope(table);
  return 1;
}
#endif
