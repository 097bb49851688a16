/* The raw rate of SQLite: the triples of a graph file, held in memory, by one prepared statement into a new file with
 * the same tables, settings and index. What a generator that costs nothing could reach.
 *
 *   cc -O2 scripts/peers/raw_insert.c -lsqlite3 -o raw_insert && ./raw_insert graph.sqlite new.sqlite
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct row { int subject, predicate, object, held_out; double bits; };

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec + now.tv_nsec / 1e9;
}

static void run(sqlite3 *database, const char *sql) {
  char *message = 0;
  if (sqlite3_exec(database, sql, 0, 0, &message) != SQLITE_OK) {
    fprintf(stderr, "%s: %s\n", sql, message);
    exit(1);
  }
}

static sqlite3_stmt *prepare(sqlite3 *database, const char *sql) {
  sqlite3_stmt *statement;
  if (sqlite3_prepare_v2(database, sql, -1, &statement, 0) != SQLITE_OK) {
    fprintf(stderr, "%s: %s\n", sql, sqlite3_errmsg(database));
    exit(1);
  }
  return statement;
}

int main(int count, char **arguments) {
  if (count != 3) return fprintf(stderr, "usage: raw_insert GRAPH NEW\n"), 64;
  sqlite3 *source, *target;
  if (sqlite3_open_v2(arguments[1], &source, SQLITE_OPEN_READONLY, 0) != SQLITE_OK) return 65;
  sqlite3_stmt *size = prepare(source, "SELECT COUNT(*) FROM triple");
  sqlite3_step(size);
  long rows = sqlite3_column_int64(size, 0);
  struct row *row = malloc(rows * sizeof *row);
  sqlite3_stmt *read = prepare(source,
    "SELECT subject_id, predicate_id, object_id, bits, CASE held_out WHEN 'object' THEN 1 WHEN 'query' THEN 2"
    " WHEN 'subject' THEN 3 ELSE 0 END FROM triple ORDER BY 1, 2, 3");
  for (long i = 0; i < rows && sqlite3_step(read) == SQLITE_ROW; i++) {
    row[i].subject = sqlite3_column_int(read, 0);
    row[i].predicate = sqlite3_column_int(read, 1);
    row[i].object = sqlite3_column_int(read, 2);
    row[i].bits = sqlite3_column_double(read, 3);
    row[i].held_out = sqlite3_column_int(read, 4);
  }
  remove(arguments[2]);
  if (sqlite3_open(arguments[2], &target) != SQLITE_OK) return 1;
  run(target,
    "PRAGMA page_size = 8192; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
    "PRAGMA locking_mode = EXCLUSIVE; PRAGMA cache_size = -65536; PRAGMA temp_store = FILE; PRAGMA threads = 1;"
    "PRAGMA ignore_check_constraints = ON");
  sqlite3_stmt *table = prepare(source, "SELECT sql FROM sqlite_schema WHERE name = 'triple'");
  sqlite3_step(table);
  run(target, (const char *)sqlite3_column_text(table, 0));
  static const char *const levels[] = {0, "object", "query", "subject"};
  double began = seconds();
  run(target, "BEGIN");
  sqlite3_stmt *insert = prepare(target,
    "INSERT INTO triple (subject_id, predicate_id, object_id, bits, held_out) VALUES (?, ?, ?, ?, ?)");
  for (long i = 0; i < rows; i++) {
    sqlite3_bind_int(insert, 1, row[i].subject);
    sqlite3_bind_int(insert, 2, row[i].predicate);
    sqlite3_bind_int(insert, 3, row[i].object);
    sqlite3_bind_double(insert, 4, row[i].bits);
    sqlite3_bind_text(insert, 5, levels[row[i].held_out], -1, SQLITE_STATIC);
    if (sqlite3_step(insert) != SQLITE_DONE) return fprintf(stderr, "%s\n", sqlite3_errmsg(target)), 1;
    sqlite3_reset(insert);
  }
  double inserted = seconds();
  run(target, "CREATE INDEX triple_inverse ON triple (object_id, predicate_id, subject_id)");
  run(target, "COMMIT");
  double indexed = seconds();
  printf("{\"triples\": %ld, \"insert_seconds\": %.3f, \"index_seconds\": %.3f, \"triples_per_second\": %.0f}\n",
    rows, inserted - began, indexed - inserted, rows / (indexed - began));
  return 0;
}
