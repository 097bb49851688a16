// Matrix products on bfloat16 inputs, by oneDNN's matmul (AMX or AVX-512 bf16).
//
// A primitive is made for one shape, and the number of tokens changes from call to call, so tokens are cut into
// pieces of few sizes: whole chunks, a multiple of KL_ROWS, and a last piece padded with rows of zeros.
#include <dnnl.h>
#include <stdlib.h>
#include <string.h>

#include "bf16_convert.h"
#include "internal.h"

#define KL_CHUNK 512u     // tokens of a whole chunk
#define KL_ROWS 64u       // tokens are padded to a multiple of this
#define KL_PRIMITIVES 512 // cached for one stream; beyond it products are single precision

typedef enum { FORWARD, BACKWARD_INPUT, BACKWARD_WEIGHT } direction;

typedef struct {
  direction direction;
  int accumulate;
  size_t T, K, N;
} product_key;

typedef struct {
  int used;
  product_key key;
  dnnl_primitive_t primitive;  // NULL when oneDNN has no fast one for the shape
  dnnl_memory_t left, right, out, scratchpad;
} product;

struct kl_products {
  kl_limits limits;
  dnnl_engine_t engine;
  dnnl_stream_t stream;
  uint16_t *left, *right;  // converted inputs
  float *padded;           // output of the padded piece
  void *scratchpad;
  size_t scratchpad_bytes, count;
  product cached[KL_PRIMITIVES];
};

static size_t padded_rows(size_t T) { return (T + KL_ROWS - 1) / KL_ROWS * KL_ROWS; }

static void *aligned(size_t count, size_t size) {
  void *memory = NULL;
  size_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX - 4096) return NULL;
  return posix_memalign(&memory, 4096, bytes + 4096) ? NULL : memory;
}

kl_products *kl_products_create(kl_limits limits) {
  kl_products *p = calloc(1, sizeof *p);
  if (!p) return NULL;
  p->limits = limits;
  size_t width = limits.max_width, rows = padded_rows(limits.max_tokens), larger = rows > width ? rows : width;
  // Pages that no call reaches are never touched.
  p->left = aligned(rows * width, sizeof *p->left);
  p->right = aligned(larger * width, sizeof *p->right);
  p->padded = aligned(KL_ROWS * width, sizeof *p->padded);
  int made = p->left && p->right && p->padded;
  made = made && dnnl_engine_create(&p->engine, dnnl_cpu, 0) == dnnl_success;
  made = made && dnnl_stream_create(&p->stream, p->engine, dnnl_stream_default_flags) == dnnl_success;
  if (made) return p;
  kl_products_destroy(p);
  return NULL;
}

static void forget(product *one) {
  dnnl_memory_destroy(one->left);
  dnnl_memory_destroy(one->right);
  dnnl_memory_destroy(one->out);
  dnnl_memory_destroy(one->scratchpad);
  dnnl_primitive_destroy(one->primitive);
  *one = (product){.used = one->used, .key = one->key};
}

void kl_products_destroy(kl_products *p) {
  if (!p) return;
  for (size_t i = 0; i < KL_PRIMITIVES; i++) forget(&p->cached[i]);
  if (p->stream) dnnl_stream_destroy(p->stream);
  if (p->engine) dnnl_engine_destroy(p->engine);
  free(p->left);
  free(p->right);
  free(p->padded);
  free(p->scratchpad);
  free(p);
}

int kl_supports_bf16(void) { return kl_has_bf16(); }

// out (rows, columns) = left (rows, terms) . right (terms, columns), all seen through strides.
static int describe(dnnl_primitive_desc_t *description, dnnl_memory_desc_t md[3], product_key key,
                    dnnl_engine_t engine) {
  dnnl_dim_t T = (dnnl_dim_t)key.T, K = (dnnl_dim_t)key.K, N = (dnnl_dim_t)key.N;
  dnnl_dims_t dims[3][3] = {{{T, K}, {K, N}, {T, N}}, {{T, N}, {N, K}, {T, K}}, {{N, T}, {T, K}, {N, K}}};
  dnnl_dims_t strides[3][3] = {{{K, 1}, {1, K}, {N, 1}}, {{N, 1}, {K, 1}, {K, 1}}, {{1, N}, {K, 1}, {K, 1}}};
  for (int i = 0; i < 3; i++) {
    dnnl_data_type_t type = i == 2 ? dnnl_f32 : dnnl_bf16;
    if (dnnl_memory_desc_init_by_strides(&md[i], 2, dims[key.direction][i], type, strides[key.direction][i])) return 0;
  }
  dnnl_matmul_desc_t matmul;
  dnnl_primitive_attr_t attributes = NULL;
  dnnl_post_ops_t sum = NULL;
  int made = !dnnl_matmul_desc_init(&matmul, &md[0], &md[1], NULL, &md[2]) && !dnnl_primitive_attr_create(&attributes);
  made = made && !dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user);
  if (made && key.accumulate) {
    made = !dnnl_post_ops_create(&sum) && !dnnl_post_ops_append_sum(sum, 1) &&
           !dnnl_primitive_attr_set_post_ops(attributes, sum);
  }
  made = made && !dnnl_primitive_desc_create(description, &matmul, attributes, engine, NULL);
  if (sum) dnnl_post_ops_destroy(sum);
  if (attributes) dnnl_primitive_attr_destroy(attributes);
  return made;
}

// Scratchpad of at least `bytes`, shared by the stream's primitives: the library's own belongs to the thread that
// makes the primitive, and a stream may be used from another.
static int reserve(kl_products *p, size_t bytes) {
  if (bytes <= p->scratchpad_bytes) return 1;
  void *memory = aligned(bytes, 1);
  if (!memory) return 0;
  free(p->scratchpad);
  p->scratchpad = memory;
  p->scratchpad_bytes = bytes;
  return 1;
}

static void make(kl_products *p, product *one) {
  dnnl_primitive_desc_t description;
  dnnl_memory_desc_t md[3];
  if (!describe(&description, md, one->key, p->engine)) return;
  const char *implementation = "ref";
  dnnl_primitive_desc_query(description, dnnl_query_impl_info_str, 0, (void *)&implementation);
  const dnnl_memory_desc_t *scratchpad = dnnl_primitive_desc_query_md(description, dnnl_query_scratchpad_md, 0);
  int made = !strstr(implementation, "ref") && scratchpad && reserve(p, dnnl_memory_desc_get_size(scratchpad));
  made = made && !dnnl_memory_create(&one->left, &md[0], p->engine, DNNL_MEMORY_NONE);
  made = made && !dnnl_memory_create(&one->right, &md[1], p->engine, DNNL_MEMORY_NONE);
  made = made && !dnnl_memory_create(&one->out, &md[2], p->engine, DNNL_MEMORY_NONE);
  made = made && !dnnl_memory_create(&one->scratchpad, scratchpad, p->engine, DNNL_MEMORY_NONE);
  made = made && !dnnl_primitive_create(&one->primitive, description);
  dnnl_primitive_desc_destroy(description);
  if (!made) forget(one);
}

// The cached primitive of a shape, made on first use; NULL when there is none to be had. An open hash table.
static product *find(kl_products *p, product_key key) {
  size_t slot = key.T / KL_ROWS * 7 + key.K * 31 + key.N * 5 + key.direction * 2 + (size_t)key.accumulate;
  for (;; slot++) {
    product *one = &p->cached[slot % KL_PRIMITIVES];
    const product_key *k = &one->key;
    if (!one->used) {
      if (p->count + 1 == KL_PRIMITIVES) return NULL;  // one slot stays free, to end the search
      p->count++;
      *one = (product){.used = 1, .key = key};
      make(p, one);
      return one->primitive ? one : NULL;
    }
    if (k->direction == key.direction && k->accumulate == key.accumulate && k->T == key.T && k->K == key.K &&
        k->N == key.N) {
      return one->primitive ? one : NULL;
    }
  }
}

static void execute(kl_products *p, product *one, uint16_t *left, uint16_t *right, float *out) {
  dnnl_memory_set_data_handle(one->left, left);
  dnnl_memory_set_data_handle(one->right, right);
  dnnl_memory_set_data_handle(one->out, out);
  dnnl_memory_set_data_handle(one->scratchpad, p->scratchpad);
  dnnl_exec_arg_t arguments[] = {{DNNL_ARG_SRC, one->left},
                                 {DNNL_ARG_WEIGHTS, one->right},
                                 {DNNL_ARG_DST, one->out},
                                 {DNNL_ARG_SCRATCHPAD, one->scratchpad}};
  dnnl_primitive_execute(one->primitive, p->stream, 4, arguments);
}

// Tokens of the piece that starts with `left` tokens to go.
static size_t piece_of(size_t left) {
  if (left >= KL_CHUNK) return KL_CHUNK;
  return left >= KL_ROWS ? left / KL_ROWS * KL_ROWS : KL_ROWS;
}

// Every piece's primitive exists: checked first, so that a product is never half done.
static int all_found(kl_products *p, product_key key, size_t T) {
  for (size_t t = 0; t < T; t += key.T) {
    key.T = piece_of(T - t);
    if (!find(p, key)) return 0;
  }
  return 1;
}

static int fits(const kl_stream *stream, size_t T, size_t K, size_t N) {
  if (!stream->products || T == 0 || K == 0 || N == 0) return 0;
  const kl_limits *limits = &stream->products->limits;
  return T <= limits->max_tokens && K <= limits->max_width && N <= limits->max_width;
}

// out (T, columns) by rows (T, terms) and the weight (N, K).
static int by_rows(kl_stream *stream, product_key key, float *out, const float *rows, const float *weight, size_t T) {
  if (!fits(stream, T, key.K, key.N)) return 0;
  kl_products *p = stream->products;
  kl_single_thread();
  if (!all_found(p, key, T)) return 0;
  size_t terms = key.direction == FORWARD ? key.K : key.N, columns = key.direction == FORWARD ? key.N : key.K;
  kl_to_bf16(p->left, rows, T * terms);
  memset(p->left + T * terms, 0, (padded_rows(T) - T) * terms * sizeof *p->left);
  kl_to_bf16(p->right, weight, key.N * key.K);
  for (size_t t = 0; t < T; t += key.T) {
    key.T = piece_of(T - t);
    size_t real = T - t < key.T ? T - t : key.T;
    float *to = out + t * columns;
    if (real < key.T && key.accumulate) memcpy(p->padded, to, real * columns * sizeof(float));
    execute(p, find(p, key), p->left + t * terms, p->right, real < key.T ? p->padded : to);
    if (real < key.T) memcpy(to, p->padded, real * columns * sizeof(float));
  }
  return 1;
}

int kl_bf16_forward(kl_stream *stream, float *out, const float *inp, const float *weight, size_t T, size_t K, size_t N,
                    int accumulate) {
  product_key key = {.direction = FORWARD, .accumulate = accumulate != 0, .K = K, .N = N};
  return by_rows(stream, key, out, inp, weight, T);
}

int kl_bf16_backward_input(kl_stream *stream, float *dinp, const float *dout, const float *weight, size_t T, size_t K,
                           size_t N, int accumulate) {
  product_key key = {.direction = BACKWARD_INPUT, .accumulate = accumulate != 0, .K = K, .N = N};
  return by_rows(stream, key, dinp, dout, weight, T);
}

int kl_bf16_backward_weight(kl_stream *stream, float *dweight, const float *dout, const float *inp, size_t T, size_t K,
                            size_t N) {
  if (!fits(stream, T, K, N)) return 0;
  kl_products *p = stream->products;
  product_key key = {.direction = BACKWARD_WEIGHT, .accumulate = 1, .K = K, .N = N};
  kl_single_thread();
  if (!all_found(p, key, T)) return 0;
  kl_to_bf16(p->left, dout, T * N);
  kl_to_bf16(p->right, inp, T * K);
  memset(p->left + T * N, 0, (padded_rows(T) - T) * N * sizeof *p->left);
  memset(p->right + T * K, 0, (padded_rows(T) - T) * K * sizeof *p->right);
  for (size_t t = 0; t < T; t += key.T) {
    key.T = piece_of(T - t);
    execute(p, find(p, key), p->left + t * N, p->right + t * K, dweight);
  }
  return 1;
}
