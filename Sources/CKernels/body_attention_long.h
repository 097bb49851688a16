// Attention over long sequences: blocks of KL_QUERY_BLOCK queries, products by oneDNN.

static void long_head_forward(kl_stream *stream, float *out, float *lse, const float *q, const float *k,
                              const float *v, size_t length, size_t NH, size_t HS) {
  size_t C = NH * HS;
  float *weights = stream->scores;
  const float scale = 1 / sqrtf((float)HS);
  for (size_t start = 0; start < length; start += KL_QUERY_BLOCK) {
    size_t queries = length - start < KL_QUERY_BLOCK ? length - start : KL_QUERY_BLOCK, keys = start + queries;
    kl_sgemm(0, 1, queries, keys, HS, scale, q + start * 2 * C, 2 * C, k, 2 * C, 0, weights, keys);
    for (size_t r = 0; r < queries; r++) {
      float *row = weights + r * keys;
      size_t seen = start + r + 1;
      vf top = v_set(-INFINITY), sum = v_zero();
      EACH_VECTOR(j, seen, { top = v_max(OR_ELSE(LOAD(row + j), v_set(-INFINITY)), top); });
      float largest = v_largest(top);
      EACH_VECTOR(j, seen, {
        vf e = OR_ELSE(v_exp(v_sub(LOAD(row + j), v_set(largest))), v_zero());
        STORE(row + j, e);
        sum = v_add(sum, e);
      });
      float total = v_sum(sum);
      lse[(start + r) * NH] = largest + logf(total);
      const vf share = v_set(1 / total);
      EACH_VECTOR(j, seen, { STORE(row + j, v_mul(LOAD(row + j), share)); });
      memset(row + seen, 0, (keys - seen) * sizeof(float));
    }
    kl_sgemm(0, 0, queries, HS, keys, 1, weights, keys, v, 3 * C, 0, out + start * C, C);
  }
}

static void long_head_backward(kl_stream *stream, float *dq, float *dk, float *dv, const float *dout, const float *q,
                               const float *k, const float *v, const float *out, const float *lse, size_t length,
                               size_t NH, size_t HS) {
  size_t C = NH * HS, blocks = (length + KL_QUERY_BLOCK - 1) / KL_QUERY_BLOCK;
  float *weights = stream->scores, *gradients = stream->score_gradients;
  const float scale = 1 / sqrtf((float)HS);
  // The last block reaches every key, so it overwrites their gradients and the others add.
  for (size_t block = blocks; block-- > 0;) {
    size_t start = block * KL_QUERY_BLOCK;
    size_t queries = length - start < KL_QUERY_BLOCK ? length - start : KL_QUERY_BLOCK, keys = start + queries;
    const float *block_q = q + start * 2 * C, *block_dout = dout + start * C;
    float beta = block + 1 == blocks ? 0 : 1;
    kl_sgemm(0, 1, queries, keys, HS, scale, block_q, 2 * C, k, 2 * C, 0, weights, keys);
    kl_sgemm(0, 1, queries, keys, HS, 1, block_dout, C, v, 3 * C, 0, gradients, keys);
    for (size_t r = 0; r < queries; r++) {
      float *row = weights + r * keys, *drow = gradients + r * keys;
      size_t seen = start + r + 1;
      vf dot = v_zero();
      EACH_VECTOR(d, HS, { dot = v_fma(LOAD(block_dout + r * C + d), LOAD(out + (start + r) * C + d), dot); });
      const vf projection = v_set(v_sum(dot)), shift = v_set(lse[(start + r) * NH]), factor = v_set(scale);
      EACH_VECTOR(j, seen, {
        vf p = v_exp(v_sub(LOAD(row + j), shift));
        STORE(row + j, p);
        STORE(drow + j, v_mul(v_mul(p, factor), v_sub(LOAD(drow + j), projection)));
      });
      memset(row + seen, 0, (keys - seen) * sizeof(float));
      memset(drow + seen, 0, (keys - seen) * sizeof(float));
    }
    kl_sgemm(0, 0, queries, HS, keys, 1, gradients, keys, k, 2 * C, 0, dq + start * 2 * C, 2 * C);
    kl_sgemm(1, 0, keys, HS, queries, 1, gradients, keys, block_q, 2 * C, beta, dk, 2 * C);
    kl_sgemm(1, 0, keys, HS, queries, 1, weights, keys, block_dout, C, beta, dv, 3 * C);
  }
}
