// Matrix products on bfloat16 inputs.
#include "internal.h"

kl_products *kl_products_create(kl_limits limits) {
  (void)limits;
  static char none;
  return (kl_products *)&none;
}
void kl_products_destroy(kl_products *products) { (void)products; }
int kl_supports_bf16(void) { return 0; }
int kl_bf16_forward(kl_stream *stream, float *out, const float *inp, const float *weight, size_t T, size_t K, size_t N,
                    int accumulate) {
  (void)stream, (void)out, (void)inp, (void)weight, (void)T, (void)K, (void)N, (void)accumulate;
  return 0;
}
int kl_bf16_backward_input(kl_stream *stream, float *dinp, const float *dout, const float *weight, size_t T, size_t K,
                           size_t N, int accumulate) {
  return kl_bf16_forward(stream, dinp, dout, weight, T, K, N, accumulate);
}
int kl_bf16_backward_weight(kl_stream *stream, float *dweight, const float *dout, const float *inp, size_t T, size_t K,
                            size_t N) {
  return kl_bf16_forward(stream, dweight, dout, inp, T, K, N, 0);
}
