import CKernels
import LabCore

/// Long-lived threads that take numbered pieces of work.
@safe package final class WorkerPool: @unchecked Sendable {
  // Invariant behind @unchecked: `run` is called by one thread at a time; the C pool guards the rest.
  package let workerCount: Int
  private let pool: OpaquePointer

  /// Starts `workerCount` - 1 threads; the caller of `run` is the remaining worker.
  ///
  /// Throws `LabError` when threads cannot be started.
  package init(workerCount: Int) throws {
    guard workerCount >= 1, let pool = unsafe kl_pool_create(workerCount) else {
      throw LabError("cannot start \(workerCount) workers; choose --workers 1 or more", .usage)
    }
    self.workerCount = workerCount
    unsafe self.pool = pool
  }

  deinit { unsafe kl_pool_destroy(pool) }

  /// Runs `body(worker, piece)` for every piece in 0 ..< pieces and returns when all are done.
  ///
  /// Pieces are taken in order by whichever worker is free, so results must depend on the piece alone.
  package func run(pieces: Int, _ body: (_ worker: Int, _ piece: Int) -> Void) {
    guard workerCount > 1, pieces > 1 else {
      for piece in 0..<max(pieces, 0) { body(0, piece) }
      return
    }
    withoutActuallyEscaping(body) { body in
      let box = Box(body)
      unsafe kl_pool_run(
        pool, pieces,
        { context, worker, piece in
          guard let context = unsafe context else { return }
          unsafe Unmanaged<Box>.fromOpaque(context).takeUnretainedValue().body(worker, piece)
        }, Unmanaged.passUnretained(box).toOpaque())
      withExtendedLifetime(box) {}
    }
  }

  private final class Box {
    let body: (Int, Int) -> Void
    init(_ body: @escaping (Int, Int) -> Void) { self.body = body }
  }
}
