//! The functions, by name.

/// A function that is supported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    Absent,
    AbsentOverTime,
    Element(ElementFunction),
    Window(WindowFunction),
    Clock(ClockFunction),
    HistogramQuantile,
    LabelJoin,
    Pi,
    Scalar,
    Sort,
    SortDescending,
    SortByLabel,
    SortByLabelDescending,
    Time,
    Timestamp,
    Vector,
}

/// One value in, one value out, with scalars beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ElementFunction {
    Abs,
    Acos,
    Acosh,
    Asin,
    Asinh,
    Atan,
    Atanh,
    Ceil,
    Clamp,
    ClampMax,
    ClampMin,
    Cos,
    Cosh,
    Deg,
    Exp,
    Floor,
    Ln,
    Log10,
    Log2,
    Rad,
    Round,
    Sgn,
    Sin,
    Sinh,
    Sqrt,
    Tan,
    Tanh,
}

/// The samples of a window in, one value out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WindowFunction {
    AvgOverTime,
    Changes,
    CountOverTime,
    Delta,
    Deriv,
    Idelta,
    Increase,
    Irate,
    LastOverTime,
    MadOverTime,
    MaxOverTime,
    MinOverTime,
    PredictLinear,
    PresentOverTime,
    QuantileOverTime,
    Rate,
    Resets,
    StddevOverTime,
    StdvarOverTime,
    SumOverTime,
}

/// A time in seconds since 1970 in, a part of the UTC calendar out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockFunction {
    DayOfMonth,
    DayOfWeek,
    DayOfYear,
    DaysInMonth,
    Hour,
    Minute,
    Month,
    Year,
}

impl Function {
    /// `None`: a function that the parser knows and this evaluator refuses.
    pub fn by_name(name: &str) -> Option<Self> {
        use ClockFunction as C;
        use ElementFunction as E;
        use WindowFunction as W;
        Some(match name {
            "absent" => Self::Absent,
            "absent_over_time" => Self::AbsentOverTime,
            "histogram_quantile" => Self::HistogramQuantile,
            "label_join" => Self::LabelJoin,
            "pi" => Self::Pi,
            "scalar" => Self::Scalar,
            "sort" => Self::Sort,
            "sort_desc" => Self::SortDescending,
            "sort_by_label" => Self::SortByLabel,
            "sort_by_label_desc" => Self::SortByLabelDescending,
            "time" => Self::Time,
            "timestamp" => Self::Timestamp,
            "vector" => Self::Vector,

            "abs" => Self::Element(E::Abs),
            "acos" => Self::Element(E::Acos),
            "acosh" => Self::Element(E::Acosh),
            "asin" => Self::Element(E::Asin),
            "asinh" => Self::Element(E::Asinh),
            "atan" => Self::Element(E::Atan),
            "atanh" => Self::Element(E::Atanh),
            "ceil" => Self::Element(E::Ceil),
            "clamp" => Self::Element(E::Clamp),
            "clamp_max" => Self::Element(E::ClampMax),
            "clamp_min" => Self::Element(E::ClampMin),
            "cos" => Self::Element(E::Cos),
            "cosh" => Self::Element(E::Cosh),
            "deg" => Self::Element(E::Deg),
            "exp" => Self::Element(E::Exp),
            "floor" => Self::Element(E::Floor),
            "ln" => Self::Element(E::Ln),
            "log10" => Self::Element(E::Log10),
            "log2" => Self::Element(E::Log2),
            "rad" => Self::Element(E::Rad),
            "round" => Self::Element(E::Round),
            "sgn" => Self::Element(E::Sgn),
            "sin" => Self::Element(E::Sin),
            "sinh" => Self::Element(E::Sinh),
            "sqrt" => Self::Element(E::Sqrt),
            "tan" => Self::Element(E::Tan),
            "tanh" => Self::Element(E::Tanh),

            "avg_over_time" => Self::Window(W::AvgOverTime),
            "changes" => Self::Window(W::Changes),
            "count_over_time" => Self::Window(W::CountOverTime),
            "delta" => Self::Window(W::Delta),
            "deriv" => Self::Window(W::Deriv),
            "idelta" => Self::Window(W::Idelta),
            "increase" => Self::Window(W::Increase),
            "irate" => Self::Window(W::Irate),
            "last_over_time" => Self::Window(W::LastOverTime),
            "mad_over_time" => Self::Window(W::MadOverTime),
            "max_over_time" => Self::Window(W::MaxOverTime),
            "min_over_time" => Self::Window(W::MinOverTime),
            "predict_linear" => Self::Window(W::PredictLinear),
            "present_over_time" => Self::Window(W::PresentOverTime),
            "quantile_over_time" => Self::Window(W::QuantileOverTime),
            "rate" => Self::Window(W::Rate),
            "resets" => Self::Window(W::Resets),
            "stddev_over_time" => Self::Window(W::StddevOverTime),
            "stdvar_over_time" => Self::Window(W::StdvarOverTime),
            "sum_over_time" => Self::Window(W::SumOverTime),

            "day_of_month" => Self::Clock(C::DayOfMonth),
            "day_of_week" => Self::Clock(C::DayOfWeek),
            "day_of_year" => Self::Clock(C::DayOfYear),
            "days_in_month" => Self::Clock(C::DaysInMonth),
            "hour" => Self::Clock(C::Hour),
            "minute" => Self::Clock(C::Minute),
            "month" => Self::Clock(C::Month),
            "year" => Self::Clock(C::Year),
            _ => return None,
        })
    }

    /// Whether its value moves with the step even where its argument does not.
    pub fn follows_time(self) -> bool {
        matches!(self, Self::Clock(_) | Self::Time | Self::Timestamp | Self::Window(WindowFunction::PredictLinear))
    }
}

/// What a person can write instead of a function that is refused.
pub fn instead_of(name: &str) -> &'static str {
    match name {
        "histogram_avg"
        | "histogram_count"
        | "histogram_fraction"
        | "histogram_stddev"
        | "histogram_stdvar"
        | "histogram_sum"
        | "histogram_quantiles" => "native histograms are not kept; use the `_bucket`, `_sum` and `_count` series",
        "info" => "join with `* on(..) group_left(..)`",
        "double_exponential_smoothing" | "holt_winters" => "use `avg_over_time` or `predict_linear`",
        "first_over_time" => "use `offset` with `last_over_time`",
        _ => "it is experimental in Prometheus",
    }
}
