// Reference: activations, sums and the optimiser; also the table itself.
#include <math.h>

#include "internal.h"

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

static void swiglu_forward(kl_stream *stream, float *out, const float *gate_up, size_t T, size_t FF) {
  (void)stream;
  for (size_t t = 0; t < T; t++) {
    const float *gate = gate_up + t * 2 * FF, *up = gate + FF;
    for (size_t i = 0; i < FF; i++) out[t * FF + i] = (float)(gate[i] * sigmoid(gate[i]) * up[i]);
  }
}

static void swiglu_backward(kl_stream *stream, float *dgate_up, const float *dout, const float *gate_up, size_t T,
                            size_t FF) {
  (void)stream;
  for (size_t t = 0; t < T; t++) {
    const float *gate = gate_up + t * 2 * FF, *up = gate + FF;
    float *dgate = dgate_up + t * 2 * FF, *dup = dgate + FF;
    for (size_t i = 0; i < FF; i++) {
      double s = sigmoid(gate[i]), g = gate[i], d = dout[t * FF + i];
      dgate[i] = (float)(d * up[i] * s * (1 + g * (1 - s)));
      dup[i] = (float)(d * g * s);
    }
  }
}

static const double gelu_slope = 0.7978845608028654, gelu_cubic = 0.044715;  // sqrt(2 / pi)

static void gelu_forward(kl_stream *stream, float *out, const float *inp, size_t n) {
  (void)stream;
  for (size_t i = 0; i < n; i++) {
    double x = inp[i];
    out[i] = (float)(0.5 * x * (1 + tanh(gelu_slope * (x + gelu_cubic * x * x * x))));
  }
}

static void gelu_backward(kl_stream *stream, float *dinp, const float *dout, const float *inp, size_t n) {
  (void)stream;
  for (size_t i = 0; i < n; i++) {
    double x = inp[i], t = tanh(gelu_slope * (x + gelu_cubic * x * x * x));
    double dinner = gelu_slope * (1 + 3 * gelu_cubic * x * x);
    dinp[i] = (float)(dout[i] * (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * dinner));
  }
}

static void relu_forward(kl_stream *stream, float *out, const float *inp, size_t n) {
  (void)stream;
  for (size_t i = 0; i < n; i++) out[i] = inp[i] < 0 ? 0 : inp[i];  // keeps NaN
}

static void relu_backward(kl_stream *stream, float *dinp, const float *dout, const float *inp, size_t n) {
  (void)stream;
  for (size_t i = 0; i < n; i++) dinp[i] = inp[i] > 0 ? dout[i] : 0;
}

static void zero(kl_stream *stream, float *out, size_t n) {
  (void)stream;
  for (size_t i = 0; i < n; i++) out[i] = 0;
}

static void add(kl_stream *stream, float *out, const float *a, const float *b, size_t n) {
  (void)stream;
  for (size_t i = 0; i < n; i++) out[i] = a[i] + b[i];
}

static void sum_lanes(kl_stream *stream, float *out, const float *const *lanes, size_t lane_count, size_t n) {
  (void)stream;
  for (size_t i = 0; i < n; i++) {
    float sum = 0;
    for (size_t l = 0; l < lane_count; l++) sum = l == 0 ? lanes[0][i] : sum + lanes[l][i];
    out[i] = sum;
  }
}

static double sum_of_squares(kl_stream *stream, const float *values, size_t n) {
  (void)stream;
  double sum = 0;
  for (size_t i = 0; i < n; i++) sum += (double)values[i] * values[i];
  return sum;
}

static void adamw(kl_stream *stream, float *param, float *first, float *second, const float *gradient, kl_adamw s,
                  size_t n) {
  (void)stream;
  for (size_t i = 0; i < n; i++) {
    double g = (double)gradient[i] * s.gradient_scale;
    double m = first[i] + (1.0 - s.beta1) * (g - first[i]);
    double v = second[i] + (1.0 - s.beta2) * (g * g - second[i]);
    double step = m / s.correction1 / (sqrt(v / s.correction2) + s.epsilon);
    first[i] = (float)m;
    second[i] = (float)v;
    param[i] = (float)(param[i] - s.learning_rate * (step + (double)s.weight_decay * param[i]));
  }
}

static void adam_atan2(kl_stream *stream, float *param, float *first, float *second, const float *gradient,
                       kl_adam_atan2 s, size_t n) {
  (void)stream;
  for (size_t i = 0; i < n; i++) {
    double g = (double)gradient[i] * s.gradient_scale;
    double m = first[i] + (1.0 - s.beta1) * (g - first[i]);
    double v = second[i] + (1.0 - s.beta2) * (g * g - second[i]);
    first[i] = (float)m;
    second[i] = (float)v;
    double angle = second[i] == 0 ? 0 : atan2(m / s.correction1, s.ratio * sqrt(v / s.correction2));
    param[i] = (float)(param[i] - s.learning_rate * (s.scale * angle + (double)s.weight_decay * param[i]));
  }
}

void kl_reference_pointwise(kl_table *table) {
  table->swiglu_forward = swiglu_forward;
  table->swiglu_backward = swiglu_backward;
  table->gelu_forward = gelu_forward;
  table->gelu_backward = gelu_backward;
  table->relu_forward = relu_forward;
  table->relu_backward = relu_backward;
  table->zero = zero;
  table->add = add;
  table->sum_lanes = sum_lanes;
  table->sum_of_squares = sum_of_squares;
  table->adamw = adamw;
  table->adam_atan2 = adam_atan2;
}
