// Reference: RMS norm, per-head norm of q and k with rotary positions.
#include <math.h>

#include "internal.h"

static void rms_norm_forward(kl_stream *stream, float *out, float *sum, float *rstd, const float *inp,
                             const float *delta, const float *weight, float epsilon, size_t T, size_t C) {
  (void)stream;
  for (size_t t = 0; t < T; t++) {
    double squares = 0;
    for (size_t c = 0; c < C; c++) {
      float x = inp[t * C + c] + (delta ? delta[t * C + c] : 0);
      squares += (double)x * x;
    }
    float scale = (float)(1 / sqrt(squares / (double)C + epsilon));
    for (size_t c = 0; c < C; c++) {
      float x = inp[t * C + c] + (delta ? delta[t * C + c] : 0);
      out[t * C + c] = x * scale * weight[c];
      if (sum) sum[t * C + c] = x;
    }
    rstd[t] = scale;
  }
}

static void rms_norm_backward(kl_stream *stream, float *dsum, float *dweight, const float *dout, const float *sum,
                              const float *rstd, const float *weight, size_t T, size_t C) {
  (void)stream;
  for (size_t t = 0; t < T; t++) {
    double projection = 0;  // mean of d(normalised) * normalised
    for (size_t c = 0; c < C; c++) {
      projection += (double)dout[t * C + c] * weight[c] * sum[t * C + c] * rstd[t];
    }
    projection /= (double)C;
    for (size_t c = 0; c < C; c++) {
      double normalised = (double)sum[t * C + c] * rstd[t];
      double dnormalised = (double)dout[t * C + c] * weight[c];
      dsum[t * C + c] += (float)(rstd[t] * (dnormalised - normalised * projection));
    }
  }
  for (size_t c = 0; c < C; c++) {
    double gradient = dweight[c];
    for (size_t t = 0; t < T; t++) gradient += (double)dout[t * C + c] * sum[t * C + c] * rstd[t];
    dweight[c] = (float)gradient;
  }
}

// One head: out = rotate(inp * scale * weight); weight NULL means ones.
static void rotate_head(float *out, const float *inp, double scale, const float *weight, const float *cosine,
                        const float *sine, size_t HS) {
  size_t half = HS / 2;
  for (size_t i = 0; i < half; i++) {
    double a = inp[i] * scale * (weight ? weight[i] : 1);
    double b = inp[i + half] * scale * (weight ? weight[i + half] : 1);
    out[i] = (float)(a * cosine[i] - b * sine[i]);
    out[i + half] = (float)(a * sine[i] + b * cosine[i]);
  }
}

static void qk_rope_forward(kl_stream *stream, float *out_qk, float *rstd, const float *qkv, const float *q_weight,
                            const float *k_weight, const float *cosines, const float *sines, const int32_t *position,
                            float epsilon, size_t T, size_t NH, size_t HS) {
  (void)stream;
  size_t C = NH * HS;
  for (size_t t = 0; t < T; t++) {
    size_t angle = (size_t)position[t] * (HS / 2);
    for (size_t h = 0; h < 2 * NH; h++) {  // heads of q, then of k
      const float *inp = qkv + t * 3 * C + h * HS;
      const float *weight = q_weight ? (h < NH ? q_weight : k_weight) : NULL;
      float scale = 1;
      if (weight) {
        double squares = 0;
        for (size_t i = 0; i < HS; i++) squares += (double)inp[i] * inp[i];
        scale = (float)(1 / sqrt(squares / (double)HS + epsilon));
        rstd[t * 2 * NH + h] = scale;
      }
      rotate_head(out_qk + t * 2 * C + h * HS, inp, scale, weight, cosines + angle, sines + angle, HS);
    }
  }
}

// d(value before rotation) of element i of a head.
static double unrotate(const float *dout, const float *cosine, const float *sine, size_t i, size_t half) {
  if (i < half) return (double)dout[i] * cosine[i] + (double)dout[i + half] * sine[i];
  return (double)dout[i] * cosine[i - half] - (double)dout[i - half] * sine[i - half];
}

static void qk_rope_backward(kl_stream *stream, float *dqkv, float *dq_weight, float *dk_weight, const float *dout_qk,
                             const float *qkv, const float *rstd, const float *q_weight, const float *k_weight,
                             const float *cosines, const float *sines, const int32_t *position, size_t T, size_t NH,
                             size_t HS) {
  (void)stream;
  size_t C = NH * HS, half = HS / 2;
  for (size_t t = 0; t < T; t++) {
    const float *cosine = cosines + (size_t)position[t] * half, *sine = sines + (size_t)position[t] * half;
    for (size_t h = 0; h < 2 * NH; h++) {
      const float *dout = dout_qk + t * 2 * C + h * HS;
      const float *inp = qkv + t * 3 * C + h * HS;
      float *dinp = dqkv + t * 3 * C + h * HS;
      if (!q_weight) {
        for (size_t i = 0; i < HS; i++) dinp[i] = (float)unrotate(dout, cosine, sine, i, half);
        continue;
      }
      const float *weight = h < NH ? q_weight : k_weight;
      float *dweight = h < NH ? dq_weight : dk_weight;
      double scale = rstd[t * 2 * NH + h], projection = 0;
      for (size_t i = 0; i < HS; i++) {
        double dscaled = unrotate(dout, cosine, sine, i, half);
        projection += dscaled * weight[i] * inp[i] * scale;
        dweight[i] += (float)(dscaled * inp[i] * scale);
      }
      projection /= (double)HS;
      for (size_t i = 0; i < HS; i++) {
        double dnormalised = unrotate(dout, cosine, sine, i, half) * weight[i];
        dinp[i] = (float)(scale * (dnormalised - inp[i] * scale * projection));
      }
    }
  }
}

void kl_reference_norms(kl_table *table) {
  table->rms_norm_forward = rms_norm_forward;
  table->rms_norm_backward = rms_norm_backward;
  table->qk_rope_forward = qk_rope_forward;
  table->qk_rope_backward = qk_rope_backward;
}
