//! The interpreter: one script, its states in memory, and the time it may take.

use std::{cell::Cell, rc::Rc, time::Duration};

use rquickjs::{
    CatchResultExt as _, CaughtError, Context, Ctx, Function, Object, Result, Runtime, Value,
    context::{EvalOptions, intrinsic},
    function::Args,
};

use super::{
    confine, limits,
    protocol::{Failed, Folded, Kept, ScriptEvent, Shape},
};

/// What of the language a script has: no promises are kept, no modules loaded, nothing of the machine.
type Language = (
    intrinsic::Date,
    intrinsic::Eval,
    intrinsic::RegExpCompiler,
    intrinsic::RegExp,
    intrinsic::Json,
    intrinsic::MapSet,
    intrinsic::TypedArrays,
    intrinsic::Promise,
);

/// How much of a processor the interpreter may take; it asks while it runs.
#[derive(Clone, Default)]
struct Deadline(Rc<Cell<Allowed>>);

#[derive(Clone, Copy, Default)]
struct Allowed {
    within: Duration,
    /// How much had been taken when it asked first: what takes less than it takes to ask costs nothing.
    since: Option<Duration>,
    /// Noted, because what the script throws then says nothing.
    is_missed: bool,
}

impl Deadline {
    fn set(&self, within: Duration) {
        self.0.set(Allowed { within, since: None, is_missed: false });
    }

    fn is_over(&self) -> bool {
        let mut allowed = self.0.get();
        let taken = confine::taken();
        let since = *allowed.since.get_or_insert(taken);
        let is_over = taken.saturating_sub(since) > allowed.within;
        allowed.is_missed |= is_over;
        self.0.set(allowed);
        is_over
    }

    /// What was allowed, if it was not enough.
    fn missed(&self) -> Option<Duration> {
        let allowed = self.0.get();
        allowed.is_missed.then_some(allowed.within)
    }
}

/// Runs `work` with a fresh interpreter.
pub(super) fn with<T>(work: impl FnOnce(Interpreter<'_>) -> T) -> Result<T> {
    let runtime = Runtime::new()?;
    runtime.set_memory_limit(limits::MEMORY);
    runtime.set_max_stack_size(limits::STACK);
    let deadline = Deadline::default();
    deadline.set(limits::PER_BATCH);
    let asked = deadline.clone();
    runtime.set_interrupt_handler(Some(Box::new(move || asked.is_over())));
    let context = Context::custom::<Language>(&runtime)?;
    context.with(|ctx| Ok(work(Interpreter::new(ctx, deadline)?)))
}

/// A script, loaded or not.
pub(super) struct Interpreter<'js> {
    ctx: Ctx<'js>,
    deadline: Deadline,
    name: String,
    describe: Function<'js>,
    restore: Function<'js>,
    step: Function<'js>,
    changes: Function<'js>,
    lines: Function<'js>,
    close: Function<'js>,
}

impl<'js> Interpreter<'js> {
    fn new(ctx: Ctx<'js>, deadline: Deadline) -> Result<Self> {
        let begin: Function<'_> =
            ctx.eval_with_options(include_str!("prelude.js"), options("shiplog"))?;
        let allowed = Object::new(ctx.clone())?;
        allowed.set("state", limits::STATE)?;
        allowed.set("partitions", limits::PARTITIONS)?;
        allowed.set("key", limits::KEY)?;
        allowed.set("depth", limits::DEPTH)?;
        allowed.set("frames", limits::FRAMES)?;
        allowed.set("logLines", limits::LOG_LINES)?;
        allowed.set("logCharacters", limits::LOG_CHARACTERS)?;
        let hooks: Object<'_> = begin.call((allowed,))?;
        Ok(Self {
            name: String::new(),
            describe: hooks.get("describe")?,
            restore: hooks.get("restore")?,
            step: hooks.get("step")?,
            changes: hooks.get("changes")?,
            lines: hooks.get("lines")?,
            close: hooks.get("close")?,
            deadline,
            ctx,
        })
    }

    /// Runs the script's top level; tells which events it asks for.
    pub(super) fn load(
        &mut self,
        name: &str,
        source: &str,
    ) -> std::result::Result<Shape, Box<Failed>> {
        self.name = format!("{name}.js");
        self.deadline.set(limits::PER_EVENT);
        let loaded = self.run(source).catch(&self.ctx);
        let text = loaded.map_err(|error| Box::new(self.failed(&error)))?;
        serde_json::from_str(&text).map_err(|error| {
            let message = format!("what the script asks for does not read: {error}");
            Box::new(Failed { event: None, message, line: None, stack: None, lines: Vec::new() })
        })
    }

    fn run(&self, source: &str) -> Result<String> {
        let _: Value<'_> = self.ctx.eval_with_options(source, options(&self.name))?;
        let shape: String = self.describe.call(())?;
        self.close.call::<_, ()>(())?;
        Ok(shape)
    }

    /// Goes on from this state of a partition.
    pub(super) fn restore(&self, key: &str, state: &str) -> std::result::Result<(), Box<Failed>> {
        self.deadline.set(limits::PER_BATCH);
        let restored = self.restore.call::<_, ()>((key, state)).catch(&self.ctx);
        restored.map_err(|error| Box::new(self.failed(&error)))
    }

    /// Folds one event.
    pub(super) fn step(&self, event: &ScriptEvent<'_>) -> std::result::Result<(), Box<Failed>> {
        self.deadline.set(limits::PER_EVENT);
        let stepped = self.call(event).catch(&self.ctx);
        stepped.map_err(|error| Box::new(self.failed(&error)))
    }

    fn call(&self, event: &ScriptEvent<'_>) -> Result<()> {
        let lane = event.lane.as_ref();
        let mut args = Args::new(self.ctx.clone(), 10);
        args.push_arg(event.event_type)?;
        args.push_arg(event.stream)?;
        args.push_arg(event.version)?;
        args.push_arg(event.position)?;
        args.push_arg(&*event.created)?;
        args.push_arg(&*event.id)?;
        args.push_arg(event.data)?;
        args.push_arg(&*event.metadata)?;
        args.push_arg(lane.map(|lane| &*lane.service))?;
        args.push_arg(lane.map(|lane| &*lane.environment))?;
        self.step.call_arg(args)
    }

    /// What has changed since it was asked last.
    pub(super) fn folded(&self) -> std::result::Result<Folded, Box<Failed>> {
        self.deadline.set(limits::PER_BATCH);
        let folded = self.collect().catch(&self.ctx);
        folded.map_err(|error| Box::new(self.failed(&error)))
    }

    fn collect(&self) -> Result<Folded> {
        let row: Vec<Option<String>> = self.changes.call(())?;
        let mut row = row.into_iter();
        let mut changes = Vec::with_capacity(row.len() / 4);
        while let (Some(Some(key)), Some(Some(state)), Some(result), Some(Some(position))) =
            (row.next(), row.next(), row.next(), row.next())
        {
            let position = position.parse().unwrap_or_default();
            changes.push(Kept { key, state, result, position });
        }
        Ok(Folded { changes, lines: self.lines.call(())? })
    }

    fn failed(&self, error: &CaughtError<'_>) -> Failed {
        let stack = match error {
            CaughtError::Exception(exception) => exception.stack(),
            CaughtError::Error(_) | CaughtError::Value(_) => None,
        };
        let stack = stack.and_then(|stack| own(&stack, &self.name));
        let line = stack.as_deref().and_then(|stack| line(stack, &self.name));
        let message = match self.deadline.missed() {
            Some(within) => format!("it ran for more than {within:?}"),
            None => message(error),
        };
        self.deadline.set(limits::PER_EVENT);
        let lines = self.lines.call(()).unwrap_or_default();
        Failed { event: None, message, line, stack, lines }
    }
}

fn options(name: &str) -> EvalOptions {
    let mut options = EvalOptions::default();
    options.filename = Some(name.into());
    options
}

/// What a script threw, in words.
fn message(error: &CaughtError<'_>) -> String {
    match error {
        CaughtError::Exception(exception) => {
            let name: Option<String> = exception.as_object().get("name").ok();
            let message = exception.message().unwrap_or_default();
            name.map_or_else(|| message.clone(), |name| format!("{name}: {message}"))
        }
        CaughtError::Value(value) => {
            let text = value.as_string().and_then(|text| text.to_string().ok());
            text.unwrap_or_else(|| format!("it threw a {}", value.type_name()))
        }
        CaughtError::Error(error) => error.to_string(),
    }
}

/// The frames that are the script's own, each on a line; what called it is of no use.
fn own(stack: &str, file: &str) -> Option<String> {
    let frames: Vec<_> =
        stack.lines().filter(|frame| frame.contains(file)).map(str::trim).collect();
    (!frames.is_empty()).then(|| frames.join("\n"))
}

/// The line of the innermost frame that is the script's own: `    at name (file:12:5)`.
fn line(stack: &str, file: &str) -> Option<u32> {
    stack.lines().find_map(|frame| {
        let place = frame.split_once(file)?.1.strip_prefix(':')?;
        place.split([':', ')']).next()?.parse().ok()
    })
}
