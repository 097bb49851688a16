// Attention of one token against those of its path: keys in chunks, with a running maximum and sum, so that no scratch
// grows with the cache.

#define DECODE_CHUNK 64
#define DECODE_HEADS 4

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

// Up to DECODE_HEADS heads side by side, step by step: the steps of one head wait for each other, those of several do
// not.
INLINE void decode_heads(float *out, const float *q, const float *keys, const float *values, const int32_t *path,
                         size_t C, size_t count, size_t heads, size_t HS) {
  const float scale = 1 / sqrtf((float)HS);
  float largest[DECODE_HEADS], total[DECODE_HEADS] = {0}, fade[DECODE_HEADS];
  for (size_t h = 0; h < heads; h++) largest[h] = -INFINITY;
  for (size_t start = 0; start < count; start += DECODE_CHUNK) {
    float weights[DECODE_HEADS][DECODE_CHUNK];
    size_t chunk = count - start < DECODE_CHUNK ? count - start : DECODE_CHUNK;
    const int32_t *rows = path + start;
    for (size_t h = 0; h < heads; h++) {
      decode_scores(weights[h], q + h * HS, keys + h * HS, rows, C, chunk, HS);
    }
    for (size_t h = 0; h < heads; h++) {
      float *row = weights[h];
      vf top = v_set(-INFINITY), sum = v_zero();
      EACH_VECTOR(j, chunk, { top = v_max(OR_ELSE(v_mul(LOAD(row + j), v_set(scale)), v_set(-INFINITY)), top); });
      float now = fmaxf(largest[h], v_largest(top));
      fade[h] = start == 0 ? 0 : expf(largest[h] - now);
      EACH_VECTOR(j, chunk, {
        vf e = OR_ELSE(v_exp(v_sub(v_mul(LOAD(row + j), v_set(scale)), v_set(now))), v_zero());
        STORE(row + j, e);
        sum = v_add(sum, e);
      });
      largest[h] = now;
      total[h] = total[h] * fade[h] + v_sum(sum);
    }
    for (size_t h = 0; h < heads; h++) {
      const float *from = values + h * HS;
      float *to = out + h * HS;
      EACH_VECTOR(d, HS, {
        vf part[4] = {v_zero(), v_zero(), v_zero(), v_zero()};
        size_t j = 0;
        for (; j + 4 <= chunk; j += 4) {
          for (size_t k = 0; k < 4; k++) {
            part[k] = v_fma(v_set(weights[h][j + k]), LOAD(from + (size_t)rows[j + k] * C + d), part[k]);
          }
        }
        for (; j < chunk; j++) part[0] = v_fma(v_set(weights[h][j]), LOAD(from + (size_t)rows[j] * C + d), part[0]);
        vf value = v_add(v_add(part[0], part[1]), v_add(part[2], part[3]));
        STORE(to + d, start == 0 ? value : v_fma(LOAD(to + d), v_set(fade[h]), value));
      });
    }
  }
  for (size_t h = 0; h < heads; h++) {
    const vf share = v_set(1 / total[h]);
    EACH_VECTOR(d, HS, { STORE(out + h * HS + d, v_mul(LOAD(out + h * HS + d), share)); });
  }
}

// `width` values of some rows of a cache, wanted soon.
INLINE void prefetch_rows(const float *cache, const int32_t *path, size_t stride, size_t count, size_t width) {
  for (size_t j = 0; j < count; j++) {
    for (size_t d = 0; d < width; d += 16) __builtin_prefetch(cache + (size_t)path[j] * stride + d);
  }
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
    size_t own = (size_t)path[count - 1], soon = count - 1 < DECODE_CHUNK ? count - 1 : DECODE_CHUNK;
    memcpy(key_cache + own * C, qk + b * 2 * C + C, C * sizeof(float));
    memcpy(value_cache + own * C, qkv + b * 3 * C + 2 * C, C * sizeof(float));
    for (size_t h = 0; h < NH; h += DECODE_HEADS) {
      size_t heads = NH - h < DECODE_HEADS ? NH - h : DECODE_HEADS, next = (h + heads) * HS;
      size_t wanted = C - next < heads * HS ? C - next : heads * HS;
      prefetch_rows(key_cache + next, path, C, soon, wanted);
      prefetch_rows(value_cache + next, path, C, soon, wanted);
      decode_heads(out + b * C + h * HS, qk + b * 2 * C + h * HS, key_cache + h * HS, value_cache + h * HS, path, C,
                   count, heads, HS);
    }
  }
}
