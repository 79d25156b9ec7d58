//! A policy that decides requests, on any host: how it becomes active, and what is published of it while it is.

pub mod activation;
pub mod active_policy;
mod announcement;
mod crl_watch;
mod overdue;
