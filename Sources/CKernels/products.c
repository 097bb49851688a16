// Matrix products by oneDNN.
#if !defined(_GNU_SOURCE)
#define _GNU_SOURCE  // RTLD_DEFAULT
#endif
#include <dlfcn.h>
#include <dnnl.h>
#include <string.h>

#include "internal.h"

// oneDNN's threads are OpenMP's, and their count belongs to each calling thread. The pool owns the cores here.
void kl_single_thread(void) {
  static _Thread_local int done;
  if (done) return;
  done = 1;
  void *symbol = dlsym(RTLD_DEFAULT, "omp_set_num_threads");
  void (*set_thread_count)(int);
  memcpy(&set_thread_count, &symbol, sizeof symbol);
  if (set_thread_count) set_thread_count(1);
}

void kl_sgemm(int trans_a, int trans_b, size_t M, size_t N, size_t K, float alpha, const float *a, size_t lda,
              const float *b, size_t ldb, float beta, float *out, size_t ldo) {
  if (M == 0 || N == 0) return;
  if (K == 0) {
    for (size_t m = 0; m < M; m++) {
      for (size_t n = 0; n < N; n++) out[m * ldo + n] = beta == 0 ? 0 : beta * out[m * ldo + n];
    }
    return;
  }
  kl_single_thread();
  dnnl_sgemm(trans_a ? 'T' : 'N', trans_b ? 'T' : 'N', (dnnl_dim_t)M, (dnnl_dim_t)N, (dnnl_dim_t)K, alpha, a,
             (dnnl_dim_t)lda, b, (dnnl_dim_t)ldb, beta, out, (dnnl_dim_t)ldo);
}

void kl_linear_forward(kl_stream *stream, float *out, const float *inp, const float *weight, const void *packed,
                       size_t T, size_t K, size_t N, int accumulate) {
  if (kl_bf16_forward(stream, out, inp, weight, packed, T, K, N, accumulate)) return;
  kl_sgemm(0, 1, T, N, K, 1, inp, K, weight, K, accumulate ? 1 : 0, out, N);
}

void kl_linear_backward_input(kl_stream *stream, float *dinp, const float *dout, const float *weight,
                              const void *packed, size_t T, size_t K, size_t N, int accumulate) {
  if (kl_bf16_backward_input(stream, dinp, dout, weight, packed, T, K, N, accumulate)) return;
  kl_sgemm(0, 0, T, K, N, 1, dout, N, weight, K, accumulate ? 1 : 0, dinp, K);
}

void kl_linear_backward_weight(kl_stream *stream, float *dweight, const float *dout, const float *inp, size_t T,
                               size_t K, size_t N) {
  if (kl_bf16_backward_weight(stream, dweight, dout, inp, T, K, N)) return;
  kl_sgemm(1, 0, N, K, T, 1, dout, N, inp, K, 1, dweight, K);
}
