// Long-lived threads that run numbered pieces of work.
//
// `ticket` is the run's number in its high half and the next piece in its low half. A worker takes a piece by
// raising the ticket it read, which fails if a piece was taken or a run ended meanwhile, so the job it read
// beside the ticket is that run's. Between runs the low half is CLOSED: nothing can be taken while the job
// changes. A run waits for its pieces, never for a sleeping worker.
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "ckernels.h"

#define CLOSED 0xffffffffu
#define SPIN_NANOSECONDS 80000

typedef void (*kl_work)(void *context, size_t worker, size_t piece);

struct kl_pool {
  _Alignas(64) atomic_uint_fast64_t ticket;
  _Alignas(64) atomic_size_t finished;  // pieces of this run
  _Alignas(64) _Atomic(kl_work) work;   // the job: read beside the ticket
  _Atomic(void *) context;
  atomic_size_t pieces;
  atomic_int stopping;
  atomic_size_t sleepers;   // workers waiting for `wake`
  atomic_int caller_sleeps;
  pthread_mutex_t mutex;
  pthread_cond_t wake, done;
  size_t thread_count, next_worker;
  pthread_t *threads;
};

static uint64_t nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void pause_briefly(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

// Takes and runs pieces until none is left to take.
static void take_pieces(kl_pool *pool, size_t worker) {
  for (;;) {
    uint_fast64_t ticket = atomic_load(&pool->ticket);
    kl_work work = atomic_load(&pool->work);
    void *context = atomic_load(&pool->context);
    size_t pieces = atomic_load(&pool->pieces), piece = (uint32_t)ticket;
    if (piece == CLOSED || piece >= pieces) return;
    if (!atomic_compare_exchange_strong(&pool->ticket, &ticket, ticket + 1)) continue;
    work(context, worker, piece);
    if (atomic_fetch_add(&pool->finished, 1) + 1 == pieces && atomic_load(&pool->caller_sleeps)) {
      pthread_mutex_lock(&pool->mutex);
      pthread_cond_signal(&pool->done);
      pthread_mutex_unlock(&pool->mutex);
    }
  }
}

// Returns once the run's number is no longer `seen`, or the pool stops.
static void wait_for_run(kl_pool *pool, uint32_t seen) {
  uint64_t deadline = nanoseconds() + SPIN_NANOSECONDS;
  do {
    for (int i = 0; i < 64; i++) {
      if (atomic_load(&pool->ticket) >> 32 != seen || atomic_load(&pool->stopping)) return;
      pause_briefly();
    }
  } while (nanoseconds() < deadline);
  pthread_mutex_lock(&pool->mutex);
  atomic_fetch_add(&pool->sleepers, 1);
  while (atomic_load(&pool->ticket) >> 32 == seen && !atomic_load(&pool->stopping)) {
    pthread_cond_wait(&pool->wake, &pool->mutex);
  }
  atomic_fetch_sub(&pool->sleepers, 1);
  pthread_mutex_unlock(&pool->mutex);
}

static void *worker_main(void *argument) {
  kl_pool *pool = argument;
  pthread_mutex_lock(&pool->mutex);
  size_t worker = ++pool->next_worker;
  pthread_mutex_unlock(&pool->mutex);
  uint32_t seen = 0;
  while (!atomic_load(&pool->stopping)) {
    wait_for_run(pool, seen);
    uint_fast64_t ticket = atomic_load(&pool->ticket);
    seen = (uint32_t)(ticket >> 32);
    take_pieces(pool, worker);
  }
  return NULL;
}

kl_pool *kl_pool_create(size_t workers) {
  void *memory = NULL;
  if (posix_memalign(&memory, 64, sizeof(kl_pool))) return NULL;
  kl_pool *pool = memory;
  *pool = (kl_pool){.ticket = CLOSED};
  pthread_mutex_init(&pool->mutex, NULL);
  pthread_cond_init(&pool->wake, NULL);
  pthread_cond_init(&pool->done, NULL);
  size_t wanted = workers > 1 ? workers - 1 : 0;
  pool->threads = calloc(wanted ? wanted : 1, sizeof(pthread_t));
  while (pool->threads && pool->thread_count < wanted) {
    if (pthread_create(&pool->threads[pool->thread_count], NULL, worker_main, pool)) break;
    pool->thread_count++;
  }
  if (pool->threads && pool->thread_count == wanted) return pool;
  kl_pool_destroy(pool);
  return NULL;
}

void kl_pool_destroy(kl_pool *pool) {
  if (!pool) return;
  pthread_mutex_lock(&pool->mutex);
  atomic_store(&pool->stopping, 1);
  pthread_cond_broadcast(&pool->wake);
  pthread_mutex_unlock(&pool->mutex);
  for (size_t i = 0; i < pool->thread_count; i++) pthread_join(pool->threads[i], NULL);
  pthread_cond_destroy(&pool->done);
  pthread_cond_destroy(&pool->wake);
  pthread_mutex_destroy(&pool->mutex);
  free(pool->threads);
  free(pool);
}

static void open_run(kl_pool *pool, size_t pieces, kl_work work, void *context) {
  uint_fast64_t number = (uint32_t)(atomic_load(&pool->ticket) >> 32);
  // Closed under the old number first: workers go on waiting until the job is whole.
  atomic_store(&pool->ticket, number << 32 | CLOSED);
  atomic_store(&pool->work, work);
  atomic_store(&pool->context, context);
  atomic_store(&pool->pieces, pieces);
  atomic_store(&pool->finished, 0);
  atomic_store(&pool->ticket, (uint_fast64_t)(uint32_t)(number + 1) << 32);
  if (atomic_load(&pool->sleepers) == 0) return;
  pthread_mutex_lock(&pool->mutex);
  pthread_cond_broadcast(&pool->wake);
  pthread_mutex_unlock(&pool->mutex);
}

static void wait_for_pieces(kl_pool *pool, size_t pieces) {
  uint64_t deadline = nanoseconds() + SPIN_NANOSECONDS;
  do {
    for (int i = 0; i < 64; i++) {
      if (atomic_load(&pool->finished) == pieces) return;
      pause_briefly();
    }
  } while (nanoseconds() < deadline);
  pthread_mutex_lock(&pool->mutex);
  atomic_store(&pool->caller_sleeps, 1);
  while (atomic_load(&pool->finished) != pieces) pthread_cond_wait(&pool->done, &pool->mutex);
  atomic_store(&pool->caller_sleeps, 0);
  pthread_mutex_unlock(&pool->mutex);
}

void kl_pool_run(kl_pool *pool, size_t pieces, void (*work)(void *context, size_t worker, size_t piece),
                 void *context) {
  if (pieces == 0) return;
  if (pool->thread_count == 0 || pieces == 1 || pieces >= CLOSED) {
    for (size_t piece = 0; piece < pieces; piece++) work(context, 0, piece);
    return;
  }
  open_run(pool, pieces, work, context);
  take_pieces(pool, 0);
  wait_for_pieces(pool, pieces);
}
