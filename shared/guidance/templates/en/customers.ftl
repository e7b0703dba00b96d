# What concerns a customer and no single order.

customer-restricted =
    .title = Your orders are restricted for a time
    .text =
        Several of your orders were not paid in time. Until { $until } you can have fewer unpaid orders at once, and less time to pay for them.

        Orders that you pay at once are not affected. If you think that this is wrong, please get in touch with us.
    .alternative = Several of your orders were not paid in time. Until { $until } you can have fewer unpaid orders, with less time to pay. If this is wrong, please get in touch.

customer-restriction-lifted =
    .title = Your orders are no longer restricted
    .text =
        You can order and pay as before.

        Thank you for your patience.
    .alternative = Your orders are no longer restricted. You can order and pay as before.
