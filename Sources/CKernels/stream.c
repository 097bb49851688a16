// Memory of the host, and the scratch memory of a stream.
#include <stdlib.h>
#include <string.h>

#include "internal.h"

void *kl_allocate(size_t bytes) {
  void *memory = NULL;
  if (bytes > SIZE_MAX - 64) return NULL;
  // calloc's fresh pages are already zero, but it does not promise this alignment.
  if (posix_memalign(&memory, 64, bytes ? bytes : 64)) return NULL;
  memset(memory, 0, bytes ? bytes : 64);
  return memory;
}

void kl_release(void *memory) { free(memory); }

void kl_copy(void *destination, const void *source, size_t bytes) {
  if (bytes) memcpy(destination, source, bytes);
}

// Scratch is not zeroed, so that pages no call reaches are never touched.
static void *scratch(size_t count, size_t size) {
  void *memory = NULL;
  size_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX - 64) return NULL;
  return posix_memalign(&memory, 64, bytes + 64) ? NULL : memory;
}

kl_stream *kl_stream_create(kl_precision precision, kl_limits limits) {
  kl_stream *stream = calloc(1, sizeof *stream);
  if (!stream) return NULL;
  stream->precision = precision;
  stream->limits = limits;
  size_t length = (limits.max_sequence_length + 15) / 16 * 16 + 16;
  stream->scores = scratch(length * KL_QUERY_BLOCK, sizeof(float));
  stream->score_gradients = scratch(length * KL_QUERY_BLOCK, sizeof(float));
  stream->row = scratch(length, sizeof(double));
  stream->transposed = scratch(KL_TRANSPOSED_FLOATS, sizeof(float));
  int complete = stream->scores && stream->score_gradients && stream->row && stream->transposed;
  if (complete && precision == KL_PRECISION_BF16) {
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
