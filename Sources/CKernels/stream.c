// Memory of the host, and the scratch memory of a stream.
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "internal.h"

#define HUGE_PAGE ((size_t)1 << 21)

// Memory that is not zeroed, so that pages no call reaches are never touched. Large blocks lie on huge pages where
// the system gives them on request: walks across the rows of a matrix touch a page for each row.
void *kl_scratch(size_t count, size_t size) {
  void *memory = NULL;
  size_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX - HUGE_PAGE) return NULL;
  int huge = bytes >= HUGE_PAGE;
  if (posix_memalign(&memory, huge ? HUGE_PAGE : 64, bytes + 64)) return NULL;
#if defined(MADV_HUGEPAGE)
  if (huge) madvise(memory, bytes, MADV_HUGEPAGE);
#endif
  return memory;
}

void *kl_allocate(size_t bytes) {
  void *memory = kl_scratch(bytes, 1);
  if (memory) memset(memory, 0, bytes);
  return memory;
}

void kl_release(void *memory) { free(memory); }

void kl_copy(void *destination, const void *source, size_t bytes) {
  if (bytes) memcpy(destination, source, bytes);
}

kl_stream *kl_stream_create(kl_precision precision, kl_limits limits) {
  kl_stream *stream = calloc(1, sizeof *stream);
  if (!stream) return NULL;
  stream->precision = precision;
  stream->limits = limits;
  size_t length = (limits.max_sequence_length + 15) / 16 * 16 + 16;
  stream->scores = kl_scratch(length * KL_QUERY_BLOCK, sizeof(float));
  stream->score_gradients = kl_scratch(length * KL_QUERY_BLOCK, sizeof(float));
  stream->row = kl_scratch(length, sizeof(double));
  stream->transposed = kl_scratch(KL_TRANSPOSED_FLOATS, sizeof(float));
  int complete = stream->scores && stream->score_gradients && stream->row && stream->transposed;
  if (complete && precision == KL_PRECISION_BF16 && kl_supports_bf16()) {
    stream->products = kl_products_create(limits);
    complete = stream->products != NULL;
  }
  if (complete) return stream;
  kl_stream_destroy(stream);
  return NULL;
}

void kl_stream_destroy(kl_stream *stream) {
  if (!stream) return;
  free(stream->scores);
  free(stream->score_gradients);
  free(stream->row);
  free(stream->transposed);
  kl_products_destroy(stream->products);
  free(stream);
}
