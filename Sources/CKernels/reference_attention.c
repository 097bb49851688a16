// Reference: causal attention inside packed sequences, and one-token attention against a cache.
#include <math.h>
#include <string.h>

#include "internal.h"

static double dot(const float *a, const float *b, size_t n) {
  double sum = 0;
  for (size_t i = 0; i < n; i++) sum += (double)a[i] * b[i];
  return sum;
}

// Softmax of `n` values in place; returns their log-sum-exp.
static double softmax(double *values, size_t n) {
  double largest = -INFINITY, sum = 0;
  for (size_t j = 0; j < n; j++) largest = fmax(largest, values[j]);
  for (size_t j = 0; j < n; j++) {
    values[j] = exp(values[j] - largest);
    sum += values[j];
  }
  for (size_t j = 0; j < n; j++) values[j] /= sum;
  return largest + log(sum);
}

void kl_reference_attention_tree(kl_stream *stream, float *out, float *lse, const float *qk, const float *qkv,
                                 const int32_t *offsets, const int32_t *ends, size_t S, size_t T, size_t NH,
                                 size_t HS) {
  (void)T;
  size_t C = NH * HS;
  double scale = 1 / sqrt((double)HS), *weights = stream->row;
  for (size_t s = 0; s < S; s++) {
    size_t start = (size_t)offsets[s], end = (size_t)offsets[s + 1];
    for (size_t h = 0; h < NH; h++) {
      for (size_t i = start; i < end; i++) {
        const float *q = qk + i * 2 * C + h * HS;
        size_t count = i - start + 1;
        for (size_t j = 0; j < count; j++) {
          int sees = !ends || i < (size_t)ends[start + j];
          weights[j] = sees ? scale * dot(q, qk + (start + j) * 2 * C + C + h * HS, HS) : -INFINITY;
        }
        lse[i * NH + h] = (float)softmax(weights, count);
        for (size_t d = 0; d < HS; d++) {
          double sum = 0;
          for (size_t j = 0; j < count; j++) sum += weights[j] * qkv[(start + j) * 3 * C + 2 * C + h * HS + d];
          out[i * C + h * HS + d] = (float)sum;
        }
      }
    }
  }
}

static void attention_forward(kl_stream *stream, float *out, float *lse, const float *qk, const float *qkv,
                              const int32_t *offsets, size_t S, size_t T, size_t NH, size_t HS) {
  kl_reference_attention_tree(stream, out, lse, qk, qkv, offsets, NULL, S, T, NH, HS);
}

// Adds the gradients of query i (row of the batch) of head h to dqk and to the v part of dqkv.
static void query_backward(float *dqk, float *dqkv, const float *dout, const float *qk, const float *qkv,
                           const float *out, const float *lse, size_t start, size_t i, size_t h, size_t NH,
                           size_t HS) {
  size_t C = NH * HS;
  double scale = 1 / sqrt((double)HS);
  const float *q = qk + i * 2 * C + h * HS, *dout_row = dout + i * C + h * HS;
  double projection = dot(dout_row, out + i * C + h * HS, HS);
  for (size_t j = start; j <= i; j++) {
    const float *k = qk + j * 2 * C + C + h * HS, *v = qkv + j * 3 * C + 2 * C + h * HS;
    double weight = exp(scale * dot(q, k, HS) - lse[i * NH + h]);
    double dscore = scale * weight * (dot(dout_row, v, HS) - projection);
    for (size_t d = 0; d < HS; d++) {
      dqk[i * 2 * C + h * HS + d] += (float)(dscore * k[d]);
      dqk[j * 2 * C + C + h * HS + d] += (float)(dscore * q[d]);
      dqkv[j * 3 * C + 2 * C + h * HS + d] += (float)(weight * dout_row[d]);
    }
  }
}

static void attention_backward(kl_stream *stream, float *dqk, float *dqkv, const float *dout, const float *qk,
                               const float *qkv, const float *out, const float *lse, const int32_t *offsets, size_t S,
                               size_t T, size_t NH, size_t HS) {
  (void)stream;
  size_t C = NH * HS;
  for (size_t t = 0; t < T; t++) {
    memset(dqk + t * 2 * C, 0, 2 * C * sizeof(float));
    memset(dqkv + t * 3 * C + 2 * C, 0, C * sizeof(float));
  }
  for (size_t s = 0; s < S; s++) {
    size_t start = (size_t)offsets[s], end = (size_t)offsets[s + 1];
    for (size_t h = 0; h < NH; h++) {
      for (size_t i = start; i < end; i++) {
        query_backward(dqk, dqkv, dout, qk, qkv, out, lse, start, i, h, NH, HS);
      }
    }
  }
}

static void attention_decode(kl_stream *stream, float *out, float *key_cache, float *value_cache, const float *qk,
                             const float *qkv, const int32_t *paths, const int32_t *offsets, size_t B, size_t NH,
                             size_t HS) {
  size_t C = NH * HS;
  (void)stream;
  double scale = 1 / sqrt((double)HS);
  for (size_t b = 0; b < B; b++) {
    const int32_t *path = paths + offsets[b];
    size_t count = (size_t)(offsets[b + 1] - offsets[b]);
    if (count == 0) continue;
    memcpy(key_cache + (size_t)path[count - 1] * C, qk + b * 2 * C + C, C * sizeof(float));
    memcpy(value_cache + (size_t)path[count - 1] * C, qkv + b * 3 * C + 2 * C, C * sizeof(float));
    for (size_t h = 0; h < NH; h++) {
      const float *q = qk + b * 2 * C + h * HS;
      const float *keys = key_cache + h * HS, *values = value_cache + h * HS;
      double largest = -INFINITY, sum = 0;
      for (size_t j = 0; j < count; j++) largest = fmax(largest, scale * dot(q, keys + (size_t)path[j] * C, HS));
      for (size_t j = 0; j < count; j++) sum += exp(scale * dot(q, keys + (size_t)path[j] * C, HS) - largest);
      for (size_t d = 0; d < HS; d++) {
        double value = 0;
        for (size_t j = 0; j < count; j++) {
          double weight = exp(scale * dot(q, keys + (size_t)path[j] * C, HS) - largest) / sum;
          value += weight * values[(size_t)path[j] * C + d];
        }
        out[b * C + h * HS + d] = (float)value;
      }
    }
  }
}

void kl_reference_attention(kl_table *table) {
  table->attention_forward = attention_forward;
  table->attention_tree = kl_reference_attention_tree;
  table->attention_backward = attention_backward;
  table->attention_decode = attention_decode;
}
