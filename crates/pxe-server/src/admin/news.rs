//! Wakes those who watch when the journal changes.

use std::sync::Arc;

use tokio::sync::watch;

use crate::journal::{Journal, Sink, Told};

/// One for all who watch.
pub(super) struct News {
    changed: watch::Sender<()>,
}

impl News {
    pub(super) fn of(journal: &Journal) -> Arc<Self> {
        let news = Arc::new(Self { changed: watch::Sender::new(()) });
        journal.subscribe(Arc::clone(&news) as Arc<dyn Sink>);
        news
    }

    /// Until there is a change after `sequence`.
    pub(super) async fn wait(&self, journal: &Journal, sequence: u64) {
        // First the watch, then the look: a change between them is seen.
        let mut watched = self.changed.subscribe();
        while journal.sequence() == sequence {
            if watched.changed().await.is_err() {
                return;
            }
        }
    }
}

impl Sink for News {
    fn take(&self, _: &Told<'_>) {
        // Waking nobody costs as much. Who begins to watch now looks at the journal after that, and sees this change.
        if self.changed.receiver_count() > 0 {
            self.changed.send_replace(());
        }
    }
}
