// Products of tiled bfloat16 matrices with single-precision sums, by AMX or by AVX-512's dot products.
#include "bf16_tiles.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define INLINE static inline __attribute__((always_inline))

static int has_amx, has_dot_products;
static pthread_once_t looked = PTHREAD_ONCE_INIT;

// The kernel gives a process AMX's registers when asked.
static void look(void) {
  __builtin_cpu_init();
  has_dot_products = __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512bw") &&
                     __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
#if defined(__linux__)
  const long request_permission = 0x1023, tile_data = 18;
  has_amx = has_dot_products && __builtin_cpu_supports("amx-bf16") && __builtin_cpu_supports("amx-tile") &&
            syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
#endif
}

int kl_has_bf16(void) {
  pthread_once(&looked, look);
  return has_dot_products;
}

// Where a block of out lies, `stride` floats from row to row, and what dot products fetch meanwhile: the whole block
// that comes next (NULL: none), and for each inner tile of eight rows `lines` cache lines of the next right panels.
typedef struct {
  float *values;
  size_t stride;
  const float *next;
  const kl_bf16 *next_right;
  size_t lines;
} place;

// A block: up to 2 x 2 tiles of out, for whole tiles only. Tiles are those of the block's first panels.
typedef void (*block)(place out, kl_panels left, kl_panels right, size_t inner, int down, int across, int accumulate);

// Fetches a row of a block of out.
INLINE void prefetch_row(const float *row, int across) {
  __builtin_prefetch(row, 1);
  if (across == 2) __builtin_prefetch(row + 16, 1);
}

#pragma clang attribute push(__attribute__((target("amx-tile,amx-bf16,avx512f"))), apply_to = function)

// Tile registers 0...3 hold out, 4 and 5 left, 6 and 7 right.
static void shape_tiles(void) {
  struct __attribute__((packed)) {
    uint8_t palette, start, reserved[14];
    uint16_t bytes_of_row[16];
    uint8_t rows[16];
  } shape = {.palette = 1};
  for (int i = 0; i < 8; i++) {
    shape.bytes_of_row[i] = 64;
    shape.rows[i] = 16;
  }
  _tile_loadconfig(&shape);
}

static void forget_tiles(void) { _tile_release(); }

INLINE void amx_any_block(place to, kl_panels left, kl_panels right, size_t inner, int down, int across,
                          int accumulate) {
  const size_t bytes = to.stride * sizeof(float);
  const kl_bf16 *upper = left.tiles, *lower = upper + left.panel * KL_TILE_VALUES;
  const kl_bf16 *first = right.tiles, *second = first + right.panel * KL_TILE_VALUES;
  float *out = to.values, *below = out + 16 * to.stride;
  for (size_t r = 0; to.next && r < 32; r++) prefetch_row(to.next + r * to.stride, across);
  if (accumulate) {
    _tile_loadd(0, out, bytes);
    if (across == 2) _tile_loadd(1, out + 16, bytes);
    if (down == 2) _tile_loadd(2, below, bytes);
    if (down == 2 && across == 2) _tile_loadd(3, below + 16, bytes);
  } else {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
  }
  for (size_t k = 0; k < inner * KL_TILE_VALUES; k += KL_TILE_VALUES) {
    _tile_loadd(4, upper + k, 64);
    _tile_loadd(6, first + k, 64);
    _tile_dpbf16ps(0, 4, 6);
    if (across == 2) {
      _tile_loadd(7, second + k, 64);
      _tile_dpbf16ps(1, 4, 7);
    }
    if (down == 2) {
      _tile_loadd(5, lower + k, 64);
      _tile_dpbf16ps(2, 5, 6);
      if (across == 2) _tile_dpbf16ps(3, 5, 7);
    }
  }
  _tile_stored(0, out, bytes);
  if (across == 2) _tile_stored(1, out + 16, bytes);
  if (down == 2) _tile_stored(2, below, bytes);
  if (down == 2 && across == 2) _tile_stored(3, below + 16, bytes);
}

static void amx_block(place out, kl_panels left, kl_panels right, size_t inner, int down, int across,
                      int accumulate) {
  if (down == 2 && across == 2) return amx_any_block(out, left, right, inner, 2, 2, accumulate);
  if (down == 2) return amx_any_block(out, left, right, inner, 2, 1, accumulate);
  if (across == 2) return amx_any_block(out, left, right, inner, 1, 2, accumulate);
  amx_any_block(out, left, right, inner, 1, 1, accumulate);
}

#pragma clang attribute pop
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16"))), \
                             apply_to = function)

// Eight rows of out from the eight rows of each left tile that begin at `left`. What comes next is fetched a little at
// a time between the products: all at once it would hold up the reading of tiles.
INLINE void dot_rows(place to, const kl_bf16 *left, kl_panels right, size_t inner, int across, int accumulate) {
  const size_t panel = right.panel * KL_TILE_VALUES, stride = to.stride;
  float *out = to.values;
  const kl_bf16 *tile = right.tiles;
  __m512 sum[8][2];
  for (size_t r = 0; r < 8; r++) {
    for (int c = 0; c < across; c++) {
      sum[r][c] = accumulate ? _mm512_loadu_ps(out + r * stride + (size_t)c * 16) : _mm512_setzero_ps();
    }
  }
  for (size_t k = 0; k < inner; k++, left += KL_TILE_VALUES, tile += KL_TILE_VALUES) {
    if (to.next && k < 8) prefetch_row(to.next + k * stride, across);
    for (size_t i = 0; i < to.lines; i++) __builtin_prefetch(to.next_right + (k * to.lines + i) * 32);
    for (size_t p = 0; p < 16; p++) {
      __m512bh pairs[2];
      for (int c = 0; c < across; c++) pairs[c] = (__m512bh)_mm512_loadu_si512(tile + (size_t)c * panel + p * 32);
      for (size_t r = 0; r < 8; r++) {
        int32_t pair;
        memcpy(&pair, left + r * 32 + p * 2, sizeof pair);
        for (int c = 0; c < across; c++) {
          sum[r][c] = _mm512_dpbf16_ps(sum[r][c], (__m512bh)_mm512_set1_epi32(pair), pairs[c]);
        }
      }
    }
  }
  for (size_t r = 0; r < 8; r++) {
    for (int c = 0; c < across; c++) _mm512_storeu_ps(out + r * stride + (size_t)c * 16, sum[r][c]);
  }
}

static void dot_block(place out, kl_panels left, kl_panels right, size_t inner, int down, int across,
                      int accumulate) {
  for (size_t half = 0; half < 2 * (size_t)down; half++) {
    const kl_bf16 *rows = left.tiles + (half / 2) * left.panel * KL_TILE_VALUES + (half % 2) * 8 * 32;
    const size_t first = half * 8 * out.stride;
    const place to = {out.values + first, out.stride, out.next ? out.next + first : NULL,
                      out.next_right + half * out.lines * inner * 32, out.lines};
    if (across == 2) {
      dot_rows(to, rows, right, inner, 2, accumulate);
    } else {
      dot_rows(to, rows, right, inner, 1, accumulate);
    }
  }
}

#pragma clang attribute pop

void kl_tiles_begin(void) {
  if (has_amx) shape_tiles();
}

void kl_tiles_end(void) {
  if (has_amx) forget_tiles();
}

// A block that reaches beyond out goes through a whole one.
static void partial_block(block run, float *out, size_t stride, kl_panels left, kl_panels right, size_t inner,
                          size_t rows, size_t columns, int accumulate) {
  _Alignas(64) float whole[32 * 32];
  const size_t bytes = columns * sizeof(float);
  for (size_t r = 0; accumulate && r < rows; r++) memcpy(whole + r * 32, out + r * stride, bytes);
  run((place){whole, 32, NULL, right.tiles, 0}, left, right, inner, rows > 16 ? 2 : 1, columns > 16 ? 2 : 1, accumulate);
  for (size_t r = 0; r < rows; r++) memcpy(out + r * stride, whole + r * 32, bytes);
}

INLINE kl_panels from(kl_panels p, size_t row) {
  return (kl_panels){p.tiles + row / 16 * p.panel * KL_TILE_VALUES, p.panel};
}

void kl_tile_product(float *out, size_t stride, kl_panels left, kl_panels right, size_t rows, size_t columns,
                     size_t inner_tiles, int accumulate) {
  const block run = has_amx ? amx_block : dot_block;
  // A pair of right panels stays in the first-level cache while the left matrix passes by, eight rows at a time; the
  // next pair, which is 32 lines for each inner tile, comes in meanwhile.
  const size_t lines_of_step = inner_tiles == right.panel && rows > 0 ? (32 * 8 + rows - 1) / rows : 0;
  for (size_t c = 0; c < columns; c += 32) {
    size_t across = columns - c < 32 ? columns - c : 32;
    for (size_t r = 0; r < rows; r += 32) {
      size_t down = rows - r < 32 ? rows - r : 32;
      float *to = out + r * stride + c;
      if (down % 16 == 0 && across % 16 == 0) {
        const float *next = r + 64 <= rows ? to + 32 * stride : NULL;
        if (r + 32 >= rows && c + 64 <= columns && rows >= 32) next = out + c + 32;
        const size_t lines = c + 64 <= columns ? lines_of_step : 0;
        const kl_bf16 *next_right = from(right, c + 32).tiles + r / 8 * lines * inner_tiles * 32;
        run((place){to, stride, next, next_right, lines}, from(left, r), from(right, c), inner_tiles,
            (int)(down / 16), (int)(across / 16), accumulate);
      } else {
        partial_block(run, to, stride, from(left, r), from(right, c), inner_tiles, down, across, accumulate);
      }
    }
  }
}
#else
int kl_has_bf16(void) { return 0; }
#endif
