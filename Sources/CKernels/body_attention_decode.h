// Attention of one token against those of its path: keys in chunks, with a running maximum and sum, so that no scratch
// grows with the cache.

#define DECODE_CHUNK 64

// scores[j] = q . keys[path[j]] for j in 0 ..< count, written in whole vectors.
INLINE void decode_scores(float *scores, const float *q, const float *keys, const int32_t *path, size_t stride,
                          size_t count, size_t HS) {
  for (size_t j = 0; j < count; j += W) {
    vf partial[W];
    for (size_t r = 0; r < W; r++) {
      partial[r] = v_zero();
      if (j + r >= count) continue;
      const float *key = keys + (size_t)path[j + r] * stride;
      EACH_VECTOR(d, HS, { partial[r] = v_fma(LOAD(q + d), LOAD(key + d), partial[r]); });
    }
    v_transpose(partial);
    for (size_t width = W / 2; width > 0; width /= 2) {
      for (size_t r = 0; r < width; r++) partial[r] = v_add(partial[r], partial[r + width]);
    }
    v_store(scores + j, partial[0]);
  }
}

INLINE void decode_head(float *out, const float *q, const float *keys, const float *values, const int32_t *path,
                        size_t C, size_t count, size_t HS) {
  const float scale = 1 / sqrtf((float)HS);
  float largest = -INFINITY, total = 0;
  for (size_t start = 0; start < count; start += DECODE_CHUNK) {
    float weights[DECODE_CHUNK];
    size_t chunk = count - start < DECODE_CHUNK ? count - start : DECODE_CHUNK;
    const int32_t *rows = path + start;
    decode_scores(weights, q, keys, rows, C, chunk, HS);
    vf top = v_set(-INFINITY), sum = v_zero();
    EACH_VECTOR(j, chunk, { top = v_max(OR_ELSE(v_mul(LOAD(weights + j), v_set(scale)), v_set(-INFINITY)), top); });
    float now = fmaxf(largest, v_largest(top)), fade = start == 0 ? 0 : expf(largest - now);
    EACH_VECTOR(j, chunk, {
      vf e = OR_ELSE(v_exp(v_sub(v_mul(LOAD(weights + j), v_set(scale)), v_set(now))), v_zero());
      STORE(weights + j, e);
      sum = v_add(sum, e);
    });
    largest = now;
    total = total * fade + v_sum(sum);
    EACH_VECTOR(d, HS, {
      vf part[4] = {v_zero(), v_zero(), v_zero(), v_zero()};
      size_t j = 0;
      for (; j + 4 <= chunk; j += 4) {
        for (size_t k = 0; k < 4; k++) {
          part[k] = v_fma(v_set(weights[j + k]), LOAD(values + (size_t)rows[j + k] * C + d), part[k]);
        }
      }
      for (; j < chunk; j++) part[0] = v_fma(v_set(weights[j]), LOAD(values + (size_t)rows[j] * C + d), part[0]);
      vf value = v_add(v_add(part[0], part[1]), v_add(part[2], part[3]));
      STORE(out + d, start == 0 ? value : v_fma(LOAD(out + d), v_set(fade), value));
    });
  }
  const vf share = v_set(1 / total);
  EACH_VECTOR(d, HS, { STORE(out + d, v_mul(LOAD(out + d), share)); });
}

static void attention_decode(kl_stream *stream, float *out, float *key_cache, float *value_cache, const float *qk,
                             const float *qkv, const int32_t *paths, const int32_t *offsets, size_t B, size_t NH,
                             size_t HS) {
  (void)stream;
  size_t C = NH * HS;
  for (size_t b = 0; b < B; b++) {
    const int32_t *path = paths + offsets[b];
    size_t count = (size_t)(offsets[b + 1] - offsets[b]);
    if (count == 0) continue;
    size_t own = (size_t)path[count - 1];
    memcpy(key_cache + own * C, qk + b * 2 * C + C, C * sizeof(float));
    memcpy(value_cache + own * C, qkv + b * 3 * C + 2 * C, C * sizeof(float));
    for (size_t h = 0; h < NH; h++) {
      decode_head(out + b * C + h * HS, qk + b * 2 * C + h * HS, key_cache + h * HS, value_cache + h * HS, path, C,
                  count, HS);
    }
  }
}
