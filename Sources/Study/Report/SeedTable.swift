import Analysis
import Evaluation
import Report

/// How much results move from seed to seed.
struct SeedTable {
  let series: ResultSeries
  let command: String

  /// Mean, standard deviation and range of each group's loss and rates; nil where no runs differ in
  /// seed alone.
  func table() -> Table? {
    guard series.hasSeveralSeeds else { return nil }
    var data = Records([
      Column("size", "Size"), Column("training", "Training"),
      Column("learning_rate", "Learning rate", .number(digits: 4)),
      Column("measure", "Measure"), Column("seeds", "Seeds", .integer),
      Column("mean", "Mean", .number(digits: 4)),
      Column("standard_deviation", "Standard deviation", .number(digits: 4)),
      Column("lowest", "Lowest", .number(digits: 4)),
      Column("highest", "Highest", .number(digits: 4)),
    ])
    for group in series.allGroups where group.runs.count > 1 {
      var measures: [(String, [Double])] = [
        ("cross entropy (nats)", group.runs.compactMap(\.crossEntropy))
      ]
      measures += ["fvs", "pvs", "ivs"].map { set in
        ("rate \(set.uppercased())", group.runs.compactMap { series.rate($0, set)?.rate })
      }
      for (name, values) in measures where values.count > 1 {
        data.append([
          .text(group.first.size), .text(series.training(group.first)),
          .number(group.first.learningRate), .text(name), .integer(values.count),
          Cell(Mean.of(values)), Cell(Mean.standardDeviation(values)), Cell(values.min()),
          Cell(values.max()),
        ])
      }
    }
    return Table(
      id: "seeds", title: "Spread over seeds",
      caption: """
        Runs that differ in their seed alone: initial weights and order of the data. The standard deviation \
        is of single runs (divisor n - 1). Rates are exact at temperature 1, as shares.\(series.cutWords)
        """,
      command: command, data: data)
  }
}
