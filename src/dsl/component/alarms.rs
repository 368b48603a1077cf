//! Alarms.

use std::panic::Location;

use super::{And, Function, HttpApi, Queue, RestApi, Table, Topic, component};
use crate::dsl::draft::Draft;
use crate::dsl::handle::{Handle, Mark};
use crate::dsl::isolation::{Names, Sealed};

component! {
    /// CloudWatch alarms over other components: errors of functions and APIs, messages in dead-letter queues,
    /// throttled requests of tables.
    Alarms<R = Free>, "alarms"
}

/// What has metrics worth an alarm or a widget.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no metrics to watch",
    label = "cannot be watched",
    note = "functions, queues, tables, HTTP APIs and REST APIs can be watched and shown"
)]
pub trait Watchable: Sealed {
    /// Whose it is.
    type Sharing;
    /// Its mark.
    fn watched(&self) -> Mark;
}

macro_rules! watchable {
    ($($component:ident),*) => {
        $(
            #[diagnostic::do_not_recommend]
            impl<S> Watchable for Handle<$component, S> {
                type Sharing = S;
                fn watched(&self) -> Mark {
                    self.mark()
                }
            }
        )*
        #[cfg(test)]
        pub(in crate::dsl) fn watchable() -> Vec<&'static str> {
            vec![$(<$component as super::Component>::KIND),*]
        }
    };
}
watchable!(Function, Queue, Table, HttpApi, RestApi);

impl Alarms {
    /// Alarms over nothing yet.
    #[track_caller]
    pub fn new(name: impl Into<String>) -> Self {
        Self::with_draft(Draft::new(name, Location::caller(), Default::default()))
    }
}

impl<R> Alarms<R> {
    /// Watches a component.
    #[track_caller]
    pub fn watch<W: Watchable>(mut self, component: W) -> Alarms<And<R, W::Sharing>>
    where
        R: Names<W::Sharing>,
    {
        let watched = self.draft.mention(component.watched(), Location::caller());
        self.draft.body.watch.extend(watched);
        Alarms::with_draft(self.draft)
    }

    /// Sets the topic that is told.
    #[track_caller]
    pub fn notify<S>(mut self, topic: Handle<Topic, S>) -> Alarms<And<R, S>>
    where
        R: Names<S>,
    {
        self.draft.body.notify = self.draft.mention(topic.mark(), Location::caller());
        Alarms::with_draft(self.draft)
    }
}
