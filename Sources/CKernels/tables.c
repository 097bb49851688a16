// The tables and the choice between them.
#include <pthread.h>

#include "internal.h"

static int no_bf16(void) { return 0; }

void kl_reference_fill(kl_table *table) {
  table->version = KL_TABLE_VERSION;
  table->name = "reference";
  table->allocate = kl_allocate;
  table->release = kl_release;
  table->copy_in = kl_copy;
  table->copy_out = kl_copy;
  table->stream_create = kl_stream_create;
  table->stream_destroy = kl_stream_destroy;
  table->supports_bf16 = no_bf16;
  kl_reference_products(table);
  kl_reference_norms(table);
  kl_reference_attention(table);
  kl_reference_losses(table);
  kl_reference_pointwise(table);
}

static kl_table reference, portable;
#if defined(__x86_64__)
static kl_table avx2, avx512;
#endif
static const kl_table *ordered[4];  // best first
static size_t ordered_count;
static pthread_once_t filled = PTHREAD_ONCE_INIT;

// The reference with oneDNN's matrix products: what every CPU can run.
static void fill_portable(kl_table *table) {
  kl_reference_fill(table);
  table->name = "cpu";
  table->supports_bf16 = kl_supports_bf16;
  table->packed_bytes = kl_packed_bytes;
  table->pack_weight = kl_pack_weight;
  table->linear_forward = kl_linear_forward;
  table->linear_backward_input = kl_linear_backward_input;
  table->linear_backward_weight = kl_linear_backward_weight;
}

static void fill(void) {
  kl_reference_fill(&reference);
  fill_portable(&portable);
#if defined(__x86_64__)
  __builtin_cpu_init();
  fill_portable(&avx512);
  if (kl_avx512_fill(&avx512)) ordered[ordered_count++] = &avx512;
  fill_portable(&avx2);
  if (kl_avx2_fill(&avx2)) ordered[ordered_count++] = &avx2;
#endif
  ordered[ordered_count++] = &portable;
  ordered[ordered_count++] = &reference;
}

const kl_table *kl_table_reference(void) {
  pthread_once(&filled, fill);
  return &reference;
}

const kl_table *kl_table_cpu(void) {
  pthread_once(&filled, fill);
  return ordered[0];
}

size_t kl_tables(const kl_table **tables, size_t capacity) {
  pthread_once(&filled, fill);
  for (size_t i = 0; i < ordered_count && i < capacity; i++) tables[i] = ordered[i];
  return ordered_count;
}
