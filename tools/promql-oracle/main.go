// The oracle evaluates PromQL with Prometheus 3's own engine: samples and queries in, answers in the HTTP API's shape out.
//
// Input (JSON on standard input): {"series": [{"labels": {..}, "samples": [[ms, "value"], ..]}],
// "queries": [{"expr": .., "start": ms, "end": ms, "step": ms}]}; a step of 0 is an instant query at start.
// Output: one JSON document a line, {"data": ..} or {"error": ..}, in the order of the queries.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strconv"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/tsdb"
)

type input struct {
	Series []struct {
		Labels  map[string]string
		Samples [][2]any
	}
	Queries []struct {
		Expr             string
		Start, End, Step int64
	}
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	var in input
	if err := json.NewDecoder(bufio.NewReader(os.Stdin)).Decode(&in); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "oracle")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	options := tsdb.DefaultOptions()
	options.RetentionDuration = 0
	options.OutOfOrderTimeWindow = 10 * 365 * 24 * 3600 * 1000
	db, err := tsdb.Open(dir, nil, nil, options, nil)
	if err != nil {
		return err
	}
	defer db.Close()
	db.DisableCompactions()
	app := db.Appender(context.Background())
	for _, series := range in.Series {
		ls := labels.FromMap(series.Labels)
		for _, sample := range series.Samples {
			text := sample[1].(string)
			var v float64
			if text == "stale" {
				v = float64FromStale()
			} else if v, err = strconv.ParseFloat(text, 64); err != nil {
				return err
			}
			if _, err := app.Append(0, ls, int64(sample[0].(float64)), v); err != nil {
				return err
			}
		}
	}
	if err := app.Commit(); err != nil {
		return err
	}
	engine := promql.NewEngine(promql.EngineOpts{
		MaxSamples: 50_000_000, Timeout: time.Minute, EnableAtModifier: true, EnableNegativeOffset: true,
		NoStepSubqueryIntervalFn: func(int64) int64 { return 60_000 },
		Parser: parser.NewParser(parser.Options{EnableExperimentalFunctions: true}),
	})
	out := bufio.NewWriter(os.Stdout)
	begin := time.Now()
	defer func() { fmt.Fprintln(os.Stderr, len(in.Queries), "queries in", time.Since(begin)) }()
	defer out.Flush()
	for _, q := range in.Queries {
		var query promql.Query
		if q.Step == 0 {
			query, err = engine.NewInstantQuery(context.Background(), db, nil, q.Expr, time.UnixMilli(q.Start))
		} else {
			query, err = engine.NewRangeQuery(context.Background(), db, nil, q.Expr, time.UnixMilli(q.Start), time.UnixMilli(q.End), time.Duration(q.Step)*time.Millisecond)
		}
		answer := map[string]any{}
		if err == nil {
			result := query.Exec(context.Background())
			err = result.Err
			if err == nil {
				answer["data"] = map[string]any{"resultType": result.Value.Type(), "result": result.Value}
			}
		}
		if err != nil {
			answer = map[string]any{"error": err.Error()}
		}
		line, err := json.Marshal(answer)
		if err != nil {
			return err
		}
		out.Write(line)
		out.WriteByte('\n')
		if query != nil {
			query.Close()
		}
	}
	return nil
}

func float64FromStale() float64 {
	return math.Float64frombits(value.StaleNaN)
}
