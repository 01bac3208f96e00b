//! Who follows which channel, and how far each has heard. Pure: it says which frames to send and
//! whom to tell, and does neither.

use domain::event::{ClientFrame, Envelope};

/// The followers, each with something to tell it by.
#[derive(Debug)]
pub struct Book<H> {
    next: u32,
    followers: Vec<Follower<H>>,
}

#[derive(Debug)]
struct Follower<H> {
    id: u32,
    channel: String,
    /// The last position it has heard or read.
    last: Option<i64>,
    tell: H,
}

impl<H> Default for Book<H> {
    fn default() -> Self {
        Self { next: 0, followers: Vec::new() }
    }
}

impl<H: Clone> Book<H> {
    /// Adds a follower; the frame subscribes it.
    pub fn add(&mut self, channel: String, since: Option<i64>, tell: H) -> (u32, ClientFrame) {
        self.next = self.next.wrapping_add(1);
        let frame = ClientFrame::Subscribe { channel: channel.clone(), id: None, since };
        self.followers.push(Follower { id: self.next, channel, last: since, tell });
        (self.next, frame)
    }

    /// Removes a follower; the frame ends the subscription when it was the channel's last.
    pub fn remove(&mut self, id: u32) -> Option<ClientFrame> {
        let index = self.followers.iter().position(|follower| follower.id == id)?;
        let channel = self.followers.swap_remove(index).channel;
        let alone = !self.followers.iter().any(|follower| follower.channel == channel);
        alone.then_some(ClientFrame::Unsubscribe { channel, id: None })
    }

    /// The frames that subscribe everybody on a new connection, each from where it has heard.
    pub fn subscribe_all(&self) -> Vec<ClientFrame> {
        let mut channels: Vec<(&str, Option<i64>)> = Vec::new();
        for follower in &self.followers {
            match channels.iter_mut().find(|(channel, _)| *channel == follower.channel) {
                Some((_, since)) => {
                    *since = match (*since, follower.last) {
                        (Some(a), Some(b)) => Some(a.min(b)),
                        (a, b) => a.or(b),
                    };
                }
                None => channels.push((&follower.channel, follower.last)),
            }
        }
        channels
            .into_iter()
            .map(|(channel, since)| ClientFrame::Subscribe {
                channel: channel.to_owned(),
                id: None,
                since,
            })
            .collect()
    }

    /// The server dropped every subscription after it had sent position `since`: the frames that
    /// take them up from there.
    pub fn resync(&mut self, since: i64) -> Vec<ClientFrame> {
        for follower in &mut self.followers {
            follower.last = Some(follower.last.map_or(since, |last| last.max(since)));
        }
        self.subscribe_all()
    }

    /// Whom to tell of an event; whoever has heard it already is left out.
    pub fn deliver(&mut self, event: &Envelope) -> Vec<H> {
        let mut tell = Vec::new();
        for follower in &mut self.followers {
            if follower.channel == event.channel
                && follower.last.is_none_or(|last| last < event.seq)
            {
                follower.last = Some(event.seq);
                tell.push(follower.tell.clone());
            }
        }
        tell
    }

    /// Whom to tell that a channel's subscription stands.
    pub fn subscribed(&self, channel: &str) -> Vec<H> {
        self.followers.iter().filter(|f| f.channel == channel).map(|f| f.tell.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(channel: &str, seq: i64) -> Envelope {
        Envelope {
            channel: channel.to_owned(),
            event: "wave.created".to_owned(),
            data: json!({}),
            timestamp: 0,
            seq,
        }
    }

    fn sinces(frames: &[ClientFrame]) -> Vec<(&str, Option<i64>)> {
        frames
            .iter()
            .filter_map(|frame| match frame {
                ClientFrame::Subscribe { channel, since, .. } => Some((channel.as_str(), *since)),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn every_event_is_told_once_and_a_new_connection_resumes_after_it() {
        let mut book = Book::default();
        book.add("a".to_owned(), Some(3), "one");
        assert!(book.deliver(&event("a", 3)).is_empty());
        assert_eq!(book.deliver(&event("a", 4)), ["one"]);
        assert!(book.deliver(&event("a", 4)).is_empty());
        assert!(book.deliver(&event("b", 9)).is_empty());
        assert_eq!(sinces(&book.subscribe_all()), [("a", Some(4))]);
    }

    #[test]
    fn followers_of_one_channel_share_a_subscription_from_the_slower_one() {
        let mut book = Book::default();
        let (first, _) = book.add("a".to_owned(), Some(9), "one");
        let (second, _) = book.add("a".to_owned(), Some(5), "two");
        assert_eq!(sinces(&book.subscribe_all()), [("a", Some(5))]);
        assert_eq!(book.deliver(&event("a", 7)), ["two"]);
        assert!(book.remove(first).is_none());
        assert!(matches!(book.remove(second), Some(ClientFrame::Unsubscribe { .. })));
        assert!(book.remove(second).is_none());
    }

    #[test]
    fn a_resync_takes_every_channel_up_from_the_given_position() {
        let mut book = Book::default();
        book.add("a".to_owned(), Some(3), "one");
        book.add("b".to_owned(), None, "two");
        assert_eq!(sinces(&book.resync(20)), [("a", Some(20)), ("b", Some(20))]);
    }
}
