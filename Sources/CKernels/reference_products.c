// Reference: embedding, linear maps, bias, row gathering.
#include <string.h>

#include "internal.h"

static void embedding_forward(kl_stream *stream, float *out, const int32_t *ids, const float *table, size_t T,
                              size_t C) {
  (void)stream;
  for (size_t t = 0; t < T; t++) {
    for (size_t c = 0; c < C; c++) out[t * C + c] = table[(size_t)ids[t] * C + c];
  }
}

static void embedding_backward(kl_stream *stream, float *dtable, const int32_t *ids, const float *dout, size_t T,
                               size_t C) {
  (void)stream;
  for (size_t t = 0; t < T; t++) {
    for (size_t c = 0; c < C; c++) dtable[(size_t)ids[t] * C + c] += dout[t * C + c];
  }
}

static size_t packed_bytes(kl_precision precision, size_t K, size_t N) {
  (void)precision, (void)K, (void)N;
  return 0;
}

static void pack_weight(kl_stream *stream, void *packed, const float *weight, size_t K, size_t N) {
  (void)stream, (void)packed, (void)weight, (void)K, (void)N;
}

static void linear_forward(kl_stream *stream, float *out, const float *inp, const float *weight, const void *packed,
                           size_t T, size_t K, size_t N, int accumulate) {
  (void)stream, (void)packed;
  for (size_t t = 0; t < T; t++) {
    for (size_t n = 0; n < N; n++) {
      double sum = accumulate ? out[t * N + n] : 0;
      for (size_t k = 0; k < K; k++) sum += (double)inp[t * K + k] * weight[n * K + k];
      out[t * N + n] = (float)sum;
    }
  }
}

static void linear_backward_input(kl_stream *stream, float *dinp, const float *dout, const float *weight,
                                  const void *packed, size_t T, size_t K, size_t N, int accumulate) {
  (void)stream, (void)packed;
  for (size_t t = 0; t < T; t++) {
    for (size_t k = 0; k < K; k++) {
      double sum = accumulate ? dinp[t * K + k] : 0;
      for (size_t n = 0; n < N; n++) sum += (double)dout[t * N + n] * weight[n * K + k];
      dinp[t * K + k] = (float)sum;
    }
  }
}

static void linear_backward_weight(kl_stream *stream, float *dweight, const float *dout, const float *inp, size_t T,
                                   size_t K, size_t N) {
  (void)stream;
  for (size_t n = 0; n < N; n++) {
    for (size_t k = 0; k < K; k++) {
      double sum = dweight[n * K + k];
      for (size_t t = 0; t < T; t++) sum += (double)dout[t * N + n] * inp[t * K + k];
      dweight[n * K + k] = (float)sum;
    }
  }
}

static void bias_forward(kl_stream *stream, float *out, const float *bias, size_t T, size_t N) {
  (void)stream;
  for (size_t t = 0; t < T; t++) {
    for (size_t n = 0; n < N; n++) out[t * N + n] += bias[n];
  }
}

static void bias_backward(kl_stream *stream, float *dbias, const float *dout, size_t T, size_t N) {
  (void)stream;
  for (size_t n = 0; n < N; n++) {
    double sum = dbias[n];
    for (size_t t = 0; t < T; t++) sum += dout[t * N + n];
    dbias[n] = (float)sum;
  }
}

// Rows from all over an array larger than the cache: each begins before it is copied.
static void begin_row(const float *row, size_t width) {
  for (size_t i = 0; i < width; i += 16) __builtin_prefetch(row + i);
}

static void gather_rows(kl_stream *stream, float *out, const float *inp, const int32_t *rows, size_t row_count,
                        size_t width) {
  (void)stream;
  const size_t ahead = 8;
  for (size_t r = 0; r < row_count; r++) {
    if (r + ahead < row_count) begin_row(inp + (size_t)rows[r + ahead] * width, width);
    const float *from = inp + (size_t)rows[r] * width;
    if (from != out + r * width) memcpy(out + r * width, from, width * sizeof(float));
  }
}

void kl_reference_products(kl_table *table) {
  table->embedding_forward = embedding_forward;
  table->embedding_backward = embedding_backward;
  table->packed_bytes = packed_bytes;
  table->pack_weight = pack_weight;
  table->linear_forward = linear_forward;
  table->linear_backward_input = linear_backward_input;
  table->linear_backward_weight = linear_backward_weight;
  table->bias_forward = bias_forward;
  table->bias_backward = bias_backward;
  table->gather_rows = gather_rows;
}
